// Package observe has the log and the metrics of this pack, in the log and the
// metrics of the Polaris server that the pack runs in. Labels are names that operators
// choose, of rules, tiers and levels: never an address, a service, or text from
// clients.
package observe

import (
	"github.com/polarismesh/polaris/common/log"
	"github.com/polarismesh/polaris/common/metrics"
	"github.com/prometheus/client_golang/prometheus"
)

// Log is the scope `setrouter` of bootstrap.logger.
var Log = log.RegisterScope("setrouter", "SET router", 0)

// Results of a request for instances.
const (
	ResultRouted    = "routed"    // a list was sent
	ResultUnchanged = "unchanged" // the client has its list
	ResultEmpty     = "empty"     // an empty list was sent
	ResultStock     = "stock"     // no rule, a rule without stages, or outside of the rollout
	ResultShadow    = "shadow"    // decided, and the stock answer sent
	ResultRefused   = "refused"   // auth refused the request, or there is no such service
	ResultUntold    = "untold"    // the caller cannot be told, and gets no list
	ResultFailed    = "failed"    // routing failed
)

// Results of a delta over Eureka.
const (
	DeltaChanges = "changes"
	DeltaFull    = "full"
)

// Reasons why a sidecar is refused over HDS.
const (
	HealthRefusedAddress = "address"
	HealthRefusedAuth    = "auth"
)

var (
	// Requests counts requests for instances.
	Requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_requests_total", Help: "Requests for instances by rule, tier and level that decided, and by result: routed, unchanged, empty, stock, shadow, refused, untold or failed.",
	}, []string{"rule", "tier", "level", "result"})
	// Failures counts requests whose routing failed for an internal reason.
	Failures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "setrouter_failures_total", Help: "Requests whose routing failed; they got the stock answer, or no list with failOpen: false.",
	})
	// Unidentified counts requests of callers that have neither SET nor location.
	Unidentified = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "setrouter_unidentified_requests_total", Help: "Requests of callers with neither SET nor location.",
	})
	// Untold counts requests whose caller cannot be told, by the reason.
	Untold = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_untold_requests_total", Help: "Requests whose caller cannot be told, by reason: empty, unreadable or other-header of a trusted proxy, proxy-local (its PROXY header names nobody), other-node (an xDS client says another address than its connection has), or no-peer. They get no list of a routed service.",
	}, []string{"reason"})
	// ProxyHeadersRefused counts connections of trusted proxies without a PROXY header that
	// can be read, by the reason.
	ProxyHeadersRefused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_proxy_headers_refused_total", Help: "Connections of trusted proxies that were closed for want of a PROXY header, by reason: missing, unreadable, timeout, crowded, or nothing (opened and closed, as a probe does).",
	}, []string{"reason"})
	// XDSRejected counts what clients of xDS did not take, by the type of resource.
	XDSRejected = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_xds_rejected_total", Help: "Resources of xDS that clients refused (NACK); they keep what they had. By type: listener, route, cluster, endpoint or host.",
	}, []string{"type"})
	// XDSHealthRefused counts what sidecars were refused over HDS, by the reason.
	XDSHealthRefused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_xds_health_refused_total", Help: "Registrations and reports of health of sidecars (HDS) that were refused, by reason: address (of an instance that is not the sidecar's own), or auth.",
	}, []string{"reason"})
	// XDSStreams is how many streams clients of xDS have open.
	XDSStreams = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "setrouter_xds_streams", Help: "Open streams of clients of xDS.",
	})
	// EurekaDeltas counts deltas that were made from views, by what they are.
	EurekaDeltas = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_eureka_deltas_total", Help: "Deltas over Eureka in namespaces that rules are for: changes, or full where this node does not know what the caller's address has: its clients fetch the full list.",
	}, []string{"result"})
	// EurekaForgotten counts polls over Eureka that are not remembered for a bound.
	EurekaForgotten = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "setrouter_eureka_forgotten_total", Help: "Polls over Eureka that were not remembered, for the bounds of what is: at the next delta the clients of the address fetch the full list.",
	})
	// EveryBusiness counts requests of callers of whose SET nothing is known, which got
	// instances of several businesses, or have such a list.
	EveryBusiness = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_every_business_requests_total", Help: "Requests of callers of whose SET nothing is known, answered with instances of every business, by rule. Where businesses are kept apart, it stays 0.",
	}, []string{"rule"})
	// ListSize observes the lists that are sent.
	ListSize = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "setrouter_list_instances", Help: "Instances in the lists sent, by rule.",
		Buckets: []float64{0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000},
	}, []string{"rule"})
	// BuildSeconds observes how long it takes to decide on a view and to make its list.
	BuildSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "setrouter_view_build_seconds", Help: "Time to decide on a view and to make its list.",
		Buckets: prometheus.ExponentialBuckets(0.00001, 4, 10),
	})
	// ViewChanges counts changes of views, by what the change is.
	ViewChanges = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_view_changes_total", Help: "Changes of what a kind of caller gets, by rule: widened, narrowed, emptied, refilled or changed; unknown where it is empty as the caller is not known; shadow where a rule in mode shadow would send another list.",
	}, []string{"rule", "change"})
	// ShadowSent counts the instances that callers under a rule in mode shadow were sent.
	ShadowSent = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_shadow_sent_instances_total", Help: "Instances in the stock answers of rules in mode shadow, summed over requests.",
	}, []string{"rule"})
	// ShadowDecided counts the instances that such a rule would have sent them:
	// ShadowDecided by ShadowSent is the share that enforcing leaves.
	ShadowDecided = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_shadow_decided_instances_total", Help: "Instances that rules in mode shadow would have sent, summed over requests.",
	}, []string{"rule"})
	// ShadowRequests counts requests under rules in mode shadow.
	ShadowRequests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "setrouter_shadow_requests_total", Help: "Requests under rules in mode shadow, by what the decision comes to beside the stock answer: same, narrower, unusable or empty.",
	}, []string{"rule", "outcome"})
	// RuleEnabled is 1 for each rule or lane address in force whose rollout is above
	// 0, with its mode.
	RuleEnabled = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_rule_enabled", Help: "1 for each rule or lane address in force whose rollout is above 0.",
	}, []string{"rule", "mode"})
	// Evacuations is how many evacuations are in force.
	Evacuations = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "setrouter_evacuations", Help: "Evacuations in force.",
	})
	// BackingUp is 1 while a backing service of this node answers.
	BackingUp = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_backing_up", Help: "1 while what this node needs beside itself answers, else 0, by kind: store, or heartbeats (Redis, or the leader).",
	}, []string{"kind"})
	// Nodes is how many server nodes there are, by what this node hears of them.
	Nodes = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_nodes", Help: "Server nodes that Polaris takes for healthy, as this node sees them, by standing: ours, stock (without setrouter, or older) or silent.",
	}, []string{"standing"})
	// Disagreements is how many reasons this node has to say that the nodes disagree.
	Disagreements = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "setrouter_disagreements", Help: "Reasons why the server nodes do not agree, as this node sees them, by what they are about: files, refused, copy, settings, code, instances, clock, silent, stock or left-out.",
	}, []string{"about"})
	// SeveralSETs is how many addresses have callers with several SETs.
	SeveralSETs = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "setrouter_addresses_with_several_sets", Help: "Addresses whose callers have several SETs, as their registered instances differ in the SET.",
	})
)

// Register puts the pack's metrics on the server's /metrics. Calling it again
// has no effect.
func Register() {
	for _, c := range []prometheus.Collector{
		entries, loads, lastSuccess, refused, loadSeconds, filesInfo, grayReleases, lastFetch,
		Requests, Failures, Unidentified, Untold, ProxyHeadersRefused, XDSRejected, XDSHealthRefused, XDSStreams, EurekaDeltas, EurekaForgotten, EveryBusiness, ListSize, BuildSeconds, ViewChanges,
		ShadowSent, ShadowDecided, ShadowRequests, RuleEnabled, Evacuations, SeveralSETs, callersNow, loadsNow, Views, ViewsBytes, ViewsGivenUp, BackingUp, Nodes, Disagreements,
		kubernetesHeard, kubernetesSnapshot, kubernetesPods, kubernetesInvalid, kubernetesAmbiguous,
	} {
		_ = metrics.GetRegistry().Register(c) // the only possible error is AlreadyRegisteredError
	}
}
