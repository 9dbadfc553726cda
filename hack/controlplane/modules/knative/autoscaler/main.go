// The Knative Serving autoscaler with its own reconcilers and scaling code,
// without what cmd/autoscaler binds to the fixed port 8080: the server that
// queue proxies and activators push request statistics to. Fake nodes run
// neither, so every revision stays at its initial and minimum scale.
package main

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/zap"
	netcfg "knative.dev/networking/pkg/config"
	filteredpodinformer "knative.dev/pkg/client/injection/kube/informers/core/v1/pod/filtered"
	filteredinformerfactory "knative.dev/pkg/client/injection/kube/informers/factory/filtered"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/signals"
	autoscalingv1alpha1 "knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/apis/serving"
	asmetrics "knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
	"knative.dev/serving/pkg/reconciler/autoscaling/kpa"
	"knative.dev/serving/pkg/reconciler/metric"
	"knative.dev/serving/pkg/resources"
)

func main() {
	ctx := sharedmain.WithHealthProbesDisabled(sharedmain.WithHADisabled(signals.NewContext()))
	ctx = filteredinformerfactory.WithSelectors(ctx, serving.RevisionUID)
	cfg := injection.ParseAndGetRESTConfigOrDie()

	// The two controllers share one collector; sharedmain calls the constructors in this order, one after the other.
	var collector *asmetrics.MetricCollector
	sharedmain.MainWithConfig(ctx, "autoscaler", cfg,
		func(ctx context.Context, cmw configmap.Watcher) *controller.Impl {
			collector = asmetrics.NewMetricCollector(scraperFactory(ctx), logging.FromContext(ctx))
			scaler := scaling.NewMultiScaler(ctx.Done(), scalerFactory(ctx, collector), logging.FromContext(ctx))
			return kpa.NewController(ctx, cmw, scaler)
		},
		func(ctx context.Context, cmw configmap.Watcher) *controller.Impl {
			return metric.NewController(ctx, cmw, collector)
		},
	)
}

func scraperFactory(ctx context.Context) asmetrics.StatsScraperFactory {
	pods := filteredpodinformer.Get(ctx, serving.RevisionUID).Lister()
	return func(m *autoscalingv1alpha1.Metric, logger *zap.SugaredLogger) (asmetrics.StatsScraper, error) {
		if m.Spec.ScrapeTarget == "" {
			return nil, nil
		}
		revision := m.Labels[serving.RevisionLabelKey]
		if revision == "" {
			return nil, fmt.Errorf("metric %s/%s has no label %s", m.Namespace, m.Name, serving.RevisionLabelKey)
		}
		accessor := resources.NewPodAccessor(pods, m.Namespace, revision)
		return asmetrics.NewStatsScraper(m, revision, accessor, false, netcfg.MeshCompatibilityModeAuto, logger, otel.GetMeterProvider()), nil
	}
}

func scalerFactory(ctx context.Context, client asmetrics.MetricClient) scaling.UniScalerFactory {
	pods := filteredpodinformer.Get(ctx, serving.RevisionUID).Lister()
	return func(d *scaling.Decider) (scaling.UniScaler, error) {
		revision := d.Labels[serving.RevisionLabelKey]
		if revision == "" {
			return nil, fmt.Errorf("decider %s/%s has no label %s", d.Namespace, d.Name, serving.RevisionLabelKey)
		}
		accessor := resources.NewPodAccessor(pods, d.Namespace, revision)
		return scaling.New(attribute.NewSet(), otel.GetMeterProvider(), d.Namespace, d.Name, client, accessor, &d.Spec), nil
	}
}
