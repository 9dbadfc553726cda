// Judges a CustomResourceDefinition, and objects against it, by the API server's own code of one Kubernetes release.
//
//	floor CRD.yaml < cases.json > verdicts.json
//
// A case is {"object": …, "old": … or absent}. The verdicts are {"definition": [complaints], "cases": [[complaints], …]}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	servervalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

type testCase struct {
	object, old map[string]interface{}
}

type verdicts struct {
	Definition []string   `json:"definition"`
	Cases      [][]string `json:"cases"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	definition, err := readDefinition(path)
	if err != nil {
		return err
	}
	out := verdicts{Cases: [][]string{}}
	out.Definition = complaints(validation.ValidateCustomResourceDefinition(context.Background(), definition))

	cases, err := readCases(os.Stdin)
	if err != nil {
		return err
	}
	judge, err := judgeBy(definition)
	if err != nil {
		return err
	}
	for _, each := range cases {
		out.Cases = append(out.Cases, judge(each))
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// readCases decodes as the API server does: whole numbers stay integers, which the rules depend on.
func readCases(from io.Reader) ([]testCase, error) {
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	var list []interface{}
	if err := utiljson.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	cases := []testCase{}
	for _, each := range list {
		fields, _ := each.(map[string]interface{})
		object, _ := fields["object"].(map[string]interface{})
		old, _ := fields["old"].(map[string]interface{})
		cases = append(cases, testCase{object, old})
	}
	return cases, nil
}

func readDefinition(path string) (*apiextensions.CustomResourceDefinition, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var versioned apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &versioned); err != nil {
		return nil, err
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&versioned)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&versioned.Spec)
	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&versioned, &internal, nil); err != nil {
		return nil, err
	}
	internal.Status.StoredVersions = []string{versioned.Spec.Versions[0].Name}
	return &internal, nil
}

// judgeBy gives what a create, or with an old object an update, goes through: defaults, the schema, and the rules where it holds.
func judgeBy(definition *apiextensions.CustomResourceDefinition) (func(testCase) []string, error) {
	given, err := apiextensions.GetSchemaForVersion(definition, definition.Spec.Versions[0].Name)
	if err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(given.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	validator, _, err := servervalidation.NewSchemaValidator(given.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	rules := cel.NewValidator(structural, true, celconfig.PerCallLimit)
	return func(each testCase) []string {
		defaulting.Default(each.object, structural)
		errs := servervalidation.ValidateCustomResource(nil, each.object, validator)
		if len(errs) == 0 {
			var old interface{}
			if each.old != nil {
				old = each.old
			}
			errs, _ = rules.Validate(context.Background(), nil, structural, each.object, old, celconfig.RuntimeCELCostBudget)
		}
		return complaints(errs)
	}, nil
}

func complaints(errs field.ErrorList) []string {
	out := []string{}
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}
