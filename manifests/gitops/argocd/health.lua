-- Health of ModelDeployment, ModelProfile and ServingPlatform for Argo CD.
local answer = { status = "Progressing", message = "Modelwright has not looked at it yet" }

if obj.status == nil or obj.status.conditions == nil then
  return answer
end
if obj.metadata.generation ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  answer.message = "Modelwright has not looked at the latest change yet"
  return answer
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end

local function is(type, status)
  return conditions[type] ~= nil and conditions[type].status == status
end

local ready = conditions["Ready"]
if ready ~= nil then
  answer.message = ready.message
end

if obj.spec ~= nil and obj.spec.suspend == true and not is("Stalled", "True") and not is("Reconciling", "True") then
  answer.status = "Suspended"
elseif is("Stalled", "True") then
  answer.status = "Degraded"
  answer.message = conditions["Stalled"].message
elseif is("Ready", "True") then
  answer.status = "Healthy"
  -- Measured, and worse than what it is compared with.
  if is("Regressed", "True") then
    answer.status = "Degraded"
    answer.message = conditions["Regressed"].message
  end
elseif is("Ready", "False") and not is("Reconciling", "True") then
  answer.status = "Degraded"
end
return answer
