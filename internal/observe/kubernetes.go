package observe

import "github.com/prometheus/client_golang/prometheus"

var (
	kubernetesHeard = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_kubernetes_heard_timestamp_seconds", Help: "When the cluster's API server last said something, about once a minute at least while it is there; 0 for never.",
	}, []string{"cluster"})
	kubernetesSnapshot = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_kubernetes_from_snapshot", Help: "1 while pods or nodes of the cluster are those of the copy on disk.",
	}, []string{"cluster"})
	kubernetesPods = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_kubernetes_pods", Help: "Pods known that have an address.",
	}, []string{"cluster"})
	kubernetesInvalid = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_kubernetes_invalid_sets", Help: "Pods whose SET is no SET name; they are routed as pods without one.",
	}, []string{"cluster"})
	kubernetesAmbiguous = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "setrouter_kubernetes_ambiguous_addresses", Help: "Addresses that are in several clusters; only what these agree on is known of them.",
	})
)

// KubernetesCluster is the state of a cluster in the metrics.
type KubernetesCluster struct {
	Name     string
	Heard    float64 // when the API server last said something: Unix seconds, 0 for never
	Snapshot bool    // pods or nodes are from the copy on disk
	Pods     int     // with an address
	Invalid  int     // pods whose SET is not a valid name
}

// Kubernetes reports the state of the source `kubernetes` in the metrics. Ambiguous is
// how many addresses are in several clusters.
func Kubernetes(ambiguous int, clusters []KubernetesCluster) {
	kubernetesAmbiguous.Set(float64(ambiguous))
	for _, c := range clusters {
		kubernetesHeard.WithLabelValues(c.Name).Set(c.Heard)
		snapshot := 0.0
		if c.Snapshot {
			snapshot = 1
		}
		kubernetesSnapshot.WithLabelValues(c.Name).Set(snapshot)
		kubernetesPods.WithLabelValues(c.Name).Set(float64(c.Pods))
		kubernetesInvalid.WithLabelValues(c.Name).Set(float64(c.Invalid))
	}
}
