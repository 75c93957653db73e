package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// TestClientsXDS runs unmodified clients of xDS, and beside them polaris-go, which has a
// list. All call the same instances at the same time.
func TestClientsXDS(t *testing.T) {
	m := startMesh(t)
	callers := []meshCaller{envoyNewest.start(t, m).meshCaller, m.startGRPCGo(t)}
	m.runRows(t, append(callers, m.startSDK(t)))
}

// xdsRow is an event. Before it, callers call the instances of their own SET in their own
// zone; after it, too, when back has been called.
type xdsRow struct {
	key, says string
	from, to  []string
	act, back func(t *testing.T, m *mesh)
	killed    []string // of which the registry knows nothing until the test says so
}

var xdsRows = []xdsRow{
	{"kill", "The processes of the own SET in the own zone are killed", xdsOwn, xdsNear, func(t *testing.T, m *mesh) {
		m.signal(t, syscall.SIGKILL, xdsOwn...)
	}, func(t *testing.T, m *mesh) {
		m.run(t, xdsOwn...)
	}, xdsOwn},
	{"registry", "The registry says that they are unhealthy; they go on", xdsOwn, xdsNear, func(t *testing.T, m *mesh) {
		m.health(t, false, xdsOwn...)
	}, func(t *testing.T, m *mesh) {
		m.health(t, true, xdsOwn...)
	}, nil},
	{"set", "The whole own SET is killed: the pool", xdsOwn, xdsPool, func(t *testing.T, m *mesh) {
		m.signal(t, syscall.SIGKILL, xdsNear...)
		m.signal(t, syscall.SIGKILL, xdsOwn...)
	}, func(t *testing.T, m *mesh) {
		m.run(t, slices.Concat(xdsOwn, xdsNear)...)
	}, slices.Concat(xdsOwn, xdsNear)},
	{"evacuate", "The own zone is evacuated; its instances go on", xdsOwn, xdsNear, func(t *testing.T, m *mesh) {
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		m.routing(t, xdsRouting+fmt.Sprintf("evacuate: [{zone: east/shanghai, until: %s}]\n", until))
	}, func(t *testing.T, m *mesh) {
		m.routing(t, xdsRouting)
	}, nil},
	{"remap", "The mapping gives the caller another SET", xdsOwn, xdsOther, func(t *testing.T, m *mesh) {
		m.mapping(t, strings.Replace(xdsMapping, "set: qb.novel.h", "set: qb.novel.z", 1))
	}, func(t *testing.T, m *mesh) {
		m.mapping(t, xdsMapping)
	}, nil},
	{"rollout", "The rule's rollout is set to 0: every instance", xdsOwn, xdsAll, func(t *testing.T, m *mesh) {
		m.routing(t, strings.Replace(xdsRouting, "degrade:", "rollout: {percent: 0}, degrade:", 1))
	}, func(t *testing.T, m *mesh) {
		m.routing(t, xdsRouting)
	}, nil},
}

// runRows runs the rows for several callers at once.
func (m *mesh) runRows(t *testing.T, callers []meshCaller) {
	moves := map[string][]move{} // by row, in the order of callers
	for _, row := range xdsRows {
		if !t.Run(row.key, func(t *testing.T) { moves[row.key] = m.moveAll(t, callers, row) }) {
			return // the next row would begin in the middle of this one
		}
	}
	for _, row := range []struct {
		key  string
		test func(*testing.T, []meshCaller)
	}{{"few", m.few}, {"left-out", m.leftOut}, {"unusable", m.unusable}, {"restart", m.restart}} {
		if !t.Run(row.key, func(t *testing.T) { row.test(t, callers) }) {
			return
		}
	}
	if len(moves) == len(xdsRows) { // no -run chose some of them
		m.writeTimes(t, callers, moves)
	}
}

// moveAll acts, and returns how each caller moves, and has all come back. A caller with a
// list sees no process end: it moves when the registry says so, and its time begins then.
func (m *mesh) moveAll(t *testing.T, callers []meshCaller, row xdsRow) []move {
	for _, c := range callers {
		c.reaches(t, row.from...)
	}
	out := make([]move, len(callers))
	each := func(act func(), which func(meshCaller) bool) {
		ready, acted := make(chan struct{}), time.Time{}
		var all sync.WaitGroup
		for n, c := range callers {
			if which(c) {
				all.Go(func() {
					<-ready
					out[n] = c.moves(t, acted, row.from, row.to)
				})
			}
		}
		acted = time.Now()
		close(ready)
		act()
		all.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	each(func() { row.act(t, m) }, func(c meshCaller) bool { return !c.hasList || row.killed == nil })
	if row.killed != nil {
		each(func() { m.health(t, false, row.killed...) }, func(c meshCaller) bool { return c.hasList })
	}
	row.back(t, m)
	m.health(t, true, row.killed...)
	for _, c := range callers {
		c.reaches(t, row.from...)
	}
	return out
}

// few is the row in which few instances of a road are usable: 2 of 8 and 2 of 8, and then
// 1 of 30. They serve every call. Envoy by itself would share calls with the next road, and
// in panic with the dead.
func (m *mesh) few(t *testing.T, callers []meshCaller) {
	var dead []polaristest.Instance
	fill := func(network string, from, to int) {
		for n := from; n <= to; n++ {
			i := m.instance(fmt.Sprintf("127.61.%s.%d", network, n))
			i.Healthy = false
			dead = append(dead, i)
		}
	}
	fill("1", 11, 16)
	fill("2", 11, 16)
	near := append(slices.Clone(xdsNear), "127.61.2.2")
	m.run(t, near[1])
	register(t, m.console, append(slices.Clone(dead), m.instance(near[1]))...)
	for _, c := range callers {
		c.reaches(t, xdsOwn...)
	}
	m.health(t, false, xdsOwn...)
	for _, c := range callers {
		c.reaches(t, near...)
	}
	m.health(t, true, xdsOwn[0])
	fill("1", 17, 38)
	register(t, m.console, dead[12:]...)
	for _, c := range callers {
		c.reaches(t, xdsOwn[0])
	}
	m.health(t, true, xdsOwn...)
	if err := m.console.Deregister(t.Context(), append(dead, m.instance(near[1]))...); err != nil {
		t.Fatal(err)
	}
	for _, c := range callers {
		c.reaches(t, xdsOwn...)
	}
}

// leftOut is the row in which the own SET has an instance whose host is a name, and one with
// the address and port of another: the other instances serve, changes arrive, and operators
// hear of the two.
func (m *mesh) leftOut(t *testing.T, callers []meshCaller) {
	callers = slices.DeleteFunc(slices.Clone(callers), func(c meshCaller) bool { return c.hasList })
	name, twin := m.instance("novel.invalid"), m.instance(xdsOwn[0])
	name.Metadata = map[string]string{"internal-set-name": "qb.novel.h"}
	name.Location = &polaristest.Location{Region: "east", Zone: "shanghai"}
	twin.ID = "twin"
	register(t, m.console, name, twin)
	want := fmt.Sprintf("rule %q: of the instances of %q, xDS clients do not get 1 whose host is no IP address, as %q, and 1 with the address and port of another instance, as %q",
		"novel", "default/novel", fmt.Sprint("novel.invalid:", m.port), fmt.Sprint(xdsOwn[0], ":", m.port))
	wait(t, func() error {
		if _, out := setctl(t, m.server, "status"); !strings.Contains(out, want) {
			return errorf("status:\n%s\nwant %s", out, want)
		}
		return nil
	})
	for _, c := range callers {
		c.reaches(t, xdsOwn...)
	}
	if err := m.console.Isolate(t.Context(), "default", "novel", xdsOwn[0], true); err != nil { // the twin, too
		t.Fatal(err)
	}
	for _, c := range callers {
		c.reaches(t, xdsOwn[1])
	}
	if err := m.console.Deregister(t.Context(), name, twin); err != nil {
		t.Fatal(err)
	}
	if err := m.console.Isolate(t.Context(), "default", "novel", xdsOwn[0], false); err != nil {
		t.Fatal(err)
	}
	for _, c := range callers {
		c.reaches(t, xdsOwn...)
	}
}

// unusable is the row in which the registry has no usable instance on the caller's roads:
// these are tried, and nothing else. When they are dead, too, calls fail.
func (m *mesh) unusable(t *testing.T, callers []meshCaller) {
	roads := slices.Concat(xdsOwn, xdsNear, xdsPool)
	m.health(t, false, roads...)
	for _, c := range callers {
		c.reaches(t, xdsOwn...)
	}
	m.signal(t, syscall.SIGKILL, roads...)
	for _, c := range callers {
		wait(t, func() error {
			if got := c.call(t, 20); len(got.Served) > 0 || got.Failed == 0 {
				return errorf("%s: %+v, want no call served", c.name, got)
			}
			return nil
		})
		t.Logf("%s, nothing usable: %s", c.name, c.call(t, 1).Error)
	}
	m.run(t, roads...)
	m.health(t, true, roads...)
	for _, c := range callers {
		c.reaches(t, xdsOwn...)
	}
}

// restart is the row in which the server ends and comes back: no call fails, and then
// changes arrive.
func (m *mesh) restart(t *testing.T, callers []meshCaller) {
	if err := m.server.Stop(); err != nil {
		t.Fatal(err)
	}
	still := func() {
		for _, c := range callers {
			if got := c.call(t, clientCalls); got.Failed > 0 || !slices.Equal(got.hosts(), xdsOwn) {
				t.Errorf("%s: %+v, want %v without the server", c.name, got, xdsOwn)
			}
		}
	}
	still()
	options := m.options
	options.Replaces = m.server
	m.server, m.console = start(m.t, options)
	still()
	m.health(t, false, xdsOwn...)
	for _, c := range callers {
		c.reaches(t, xdsNear...)
	}
	m.health(t, true, xdsOwn...)
	for _, c := range callers {
		c.reaches(t, xdsOwn...)
	}
}

// writeTimes writes the table of times.
func (m *mesh) writeTimes(t *testing.T, callers []meshCaller, moves map[string][]move) {
	if !*update {
		return
	}
	table, line := "| |", "|---|"
	for _, c := range callers {
		table, line = table+" "+c.name+" |", line+"---|"
	}
	table += "\n" + line + "\n"
	for _, row := range xdsRows {
		table += "| " + row.says + " |"
		for n, move := range moves[row.key] {
			text := move.String()
			if callers[n].hasList && row.killed != nil {
				text = fmt.Sprintf("%.2f s after the registry's word", move.first.Seconds())
			}
			table += " " + text + " |"
		}
		table += "\n"
	}
	tags := ""
	if t.Name() != "TestClientsXDS" {
		tags = "-tags clients "
	}
	compareTable(t, "<!-- by go test "+tags+"./build/polaris-server -run "+t.Name()+" -update -->\n", table)
}

// mapping puts a mapping in force.
func (m *mesh) mapping(t *testing.T, text string) {
	t.Helper()
	write(t, m.server, "conf/mapping/mapping.yaml", text)
}

// startSDK starts a caller with polaris-go: the SDK picks an instance of its list, and the
// test calls that. What comes of the call, the SDK is not told.
func (m *mesh) startSDK(t *testing.T) meshCaller {
	t.Helper()
	sdk, err := polaristest.StartConsumers(consumerBinary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sdk.Close() })
	if err := sdk.Add("caller", shanghai, m.server); err != nil {
		t.Fatal(err)
	}
	return meshCaller{name: "polaris-go, a list", hasList: true, call: func(t *testing.T, times int) served {
		s := served{Served: map[string]int{}}
		for range times {
			host, err := m.pickAndCall(t.Context(), sdk)
			if err != nil {
				s.Failed, s.Error = s.Failed+1, err.Error()
				continue
			}
			s.Served[host]++
		}
		return s
	}}
}

func (m *mesh) pickAndCall(ctx context.Context, sdk *polaristest.Consumers) (host string, err error) {
	got, err := sdk.Pick("caller", "default", "novel", 1)
	if err != nil {
		return "", err
	}
	for picked := range got.Times {
		host = picked
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d/", host, m.port), nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	return resp.Header.Get("served-by"), nil
}
