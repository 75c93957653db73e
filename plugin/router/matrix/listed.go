package matrix

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// MaxKinds is how many kinds of callers a matrix lists at most.
const MaxKinds = 1000

// listed are the kinds of callers that a matrix lists besides its rows.
type listed struct {
	most  int
	kinds []api.KindState // the worst, not always in order
	count int
}

// note keeps what a kind of callers has, if it is among the worst.
func (l *listed) note(list *List) {
	if l.most == 0 {
		return
	}
	l.count++
	if l.kinds = append(l.kinds, list.state()); len(l.kinds) >= 16*l.most {
		l.cut()
	}
}

// cut leaves the worst, in order.
func (l *listed) cut() {
	slices.SortStableFunc(l.kinds, compareKinds)
	l.kinds = l.kinds[:min(len(l.kinds), l.most)]
}

// put puts the kinds into a matrix.
func (l *listed) put(m *api.Matrix) {
	if l.most == 0 {
		return
	}
	l.cut()
	m.Kinds, m.MoreKinds = l.kinds, l.count-len(l.kinds)
}
