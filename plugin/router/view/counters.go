package view

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// counters are the metrics of a view, looked up once for all of its requests.
type counters struct {
	sent, unchanged prometheus.Counter
	size            prometheus.Observer
	instances       float64
	everyBusiness   prometheus.Counter // nil: the list is not of every business

	shadow *shadowCounters // nil: the rule is not in mode shadow
}

// shadowCounters compare what a rule in mode shadow decides with the stock
// answer that is sent.
type shadowCounters struct {
	requests, outcome, sent, decided prometheus.Counter
	stock                            float64
}

func newCounters(v *View, rule *route.Rule, stock []route.Instance) counters {
	tier, level, result := v.Decision.Tier(), v.Decision.Level(), observe.ResultRouted
	if len(v.Answer.Instances) == 0 {
		result = observe.ResultEmpty
	}
	c := counters{
		sent:      observe.Requests.WithLabelValues(rule.Name, tier, level, result),
		unchanged: observe.Requests.WithLabelValues(rule.Name, tier, level, observe.ResultUnchanged),
		size:      observe.ListSize.WithLabelValues(rule.Name),
		instances: float64(len(v.Answer.Instances)),
	}
	if v.GivesEveryBusiness {
		c.everyBusiness = observe.EveryBusiness.WithLabelValues(rule.Name)
	}
	if rule.Shadow {
		c.shadow = &shadowCounters{
			requests: observe.Requests.WithLabelValues(rule.Name, tier, level, observe.ResultShadow),
			outcome:  observe.ShadowRequests.WithLabelValues(rule.Name, v.outcome(stock)),
			sent:     observe.ShadowSent.WithLabelValues(rule.Name),
			decided:  observe.ShadowDecided.WithLabelValues(rule.Name),
			stock:    float64(len(stock)),
		}
	}
	return c
}

// CountSent counts a request to which the list was sent.
func (c *counters) CountSent() {
	c.sent.Inc()
	c.size.Observe(c.instances)
	c.countEveryBusiness()
}

// CountUnchanged counts a request of a client that has the list.
func (c *counters) CountUnchanged() {
	c.unchanged.Inc()
	c.countEveryBusiness()
}

// countEveryBusiness counts a request whose caller has a list of every business.
func (c *counters) countEveryBusiness() {
	if c.everyBusiness != nil {
		c.everyBusiness.Inc()
	}
}

// CountShadow counts a request under a rule in mode shadow.
func (c *counters) CountShadow() {
	c.shadow.requests.Inc()
	c.shadow.outcome.Inc()
	c.shadow.sent.Add(c.shadow.stock)
	c.shadow.decided.Add(c.instances)
}

// outcome says what the view comes to beside the stock answer.
func (v *View) outcome(stock []route.Instance) string {
	usable := 0
	for _, i := range stock {
		if i.Usable() {
			usable++
		}
	}
	switch n := len(v.Answer.Instances); {
	case n == 0 && len(stock) > 0:
		return "empty"
	case v.usable == 0 && usable > 0:
		return "unusable"
	case n < len(stock):
		return "narrower"
	}
	return "same"
}
