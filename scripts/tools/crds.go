//go:build tools

package tools

// The kinds ServiceMonitor and PrometheusRule: controller-gen makes their definitions for tests.
import _ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
