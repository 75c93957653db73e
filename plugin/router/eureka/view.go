package eureka

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// view is what a kind of caller gets of a namespace. A view is immutable, and shared by
// all addresses that get it.
type view struct {
	apps     []*appView // in the order of names; each has instances
	hashcode string
	isKept   bool // by a memory
}

// appView is what a kind of caller gets of an application: the instances that are shown,
// in the order of their Eureka ids. It is immutable, and shared by all views that have it.
type appView struct {
	name      string
	instances []*apiservice.Instance
	number    uint64 // among those of a memory
}

// newAppView returns an application as clients keep it. Of two instances with one Eureka
// id clients keep one: with both in an answer no client would arrive at the hashcode.
func newAppView(a application) *appView {
	out := &appView{name: a.name}
	for _, i := range a.instances {
		if isShown(i) {
			out.instances = append(out.instances, i)
		}
	}
	slices.SortStableFunc(out.instances, compareIDs)
	out.instances = slices.CompactFunc(out.instances, func(a, b *apiservice.Instance) bool { return compareIDs(a, b) == 0 })
	return out
}

// isShown reports whether clients are shown an instance: healthy ones, as the stock
// listener does.
func isShown(i *apiservice.Instance) bool { return i.GetHealthy().GetValue() }

func compareIDs(a, b *apiservice.Instance) int { return cmp.Compare(identityOf(a), identityOf(b)) }

// identityOf returns what the Java client takes two instances of an application for the
// same by.
func identityOf(i *apiservice.Instance) string {
	return cmp.Or(eurekaID(i), i.GetMetadata()[eurekaserver.MetadataHostName], i.GetHost().GetValue())
}

// block is an element of an answer: instances of an application, and what clients have to
// do with them. It has instances.
type block struct {
	name      string
	instances []*apiservice.Instance
	action    string
}

// blocks returns the whole view.
func (v *view) blocks() []block {
	out := make([]block, len(v.apps))
	for n, a := range v.apps {
		out[n] = block{a.name, a.instances, eurekaserver.ActionAdded}
	}
	return out
}

// shown returns what the answer to a query has of applications.
func shown(q query, apps []application) (out []block) {
	for _, a := range apps {
		b := block{name: a.name, action: eurekaserver.ActionAdded}
		for _, i := range newAppView(a).instances {
			if q.asksFor(i, a.name) {
				b.instances = append(b.instances, i)
			}
		}
		if len(b.instances) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// hashcode returns Eureka's hashcode: instances counted by status, in the order of
// statuses.
func hashcode(instances iter.Seq[*apiservice.Instance]) string {
	counts := map[string]int{}
	for i := range instances {
		counts[eurekaStatus(i)]++
	}
	var b strings.Builder
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		b.WriteString(status + "_" + strconv.Itoa(counts[status]) + "_")
	}
	return b.String()
}

// instancesOf returns the instances of blocks.
func instancesOf(blocks []block) iter.Seq[*apiservice.Instance] {
	return func(yield func(*apiservice.Instance) bool) {
		for _, b := range blocks {
			for _, i := range b.instances {
				if !yield(i) {
					return
				}
			}
		}
	}
}
