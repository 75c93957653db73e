package eureka

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/common/utils"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// send sends the applications that the caller of a query should see. What is encoded
// leaves at once: an answer of any size takes little memory, however slowly its client
// reads. Where nothing is left of the one application or instance that the query
// names, send answers with 404.
func (f *front) send(q query, apps []application, hashcode string, req *restful.Request, rsp *restful.Response) {
	if hashcode == "" && q.isForOne() {
		notFound(req, rsp)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			observe.Fault("a Eureka answer ends before its end", zap.Any("panic", p), zap.Stack("stack"))
			panic(http.ErrAbortHandler)
		}
	}()
	d := document{query: q, syntax: &jsonSyntax, fragments: &f.fragments, out: bufio.NewWriterSize(rsp, 64<<10), modified: f.modified}
	if q.isXML {
		d.syntax = &xmlSyntax
	}
	req.SetAttribute(utils.PolarisCode, uint32(apimodel.Code_ExecuteSuccess))
	rsp.Header().Set(restful.HEADER_ContentType, d.mime)
	rsp.WriteHeader(http.StatusOK)
	d.write(apps, hashcode)
	_ = d.out.Flush() // an error says that the client has gone
}

// hashcode returns Eureka's hashcode of what a query shows: instances counted by
// status, in the order of statuses.
func hashcode(q query, apps []application) string {
	counts := map[string]int{}
	for _, a := range apps {
		for i := range a.shown(q) {
			counts[eurekaStatus(i)]++
		}
	}
	var b strings.Builder
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		b.WriteString(status + "_" + strconv.Itoa(counts[status]) + "_")
	}
	return b.String()
}

// document is an answer that is being written: as the stock listener writes answers,
// without white space.
type document struct {
	query
	*syntax
	*fragments
	modified modified
	out      *bufio.Writer
}

func (d *document) write(apps []application, hashcode string) {
	fmt.Fprint(d.out, d.prolog)
	switch d.resource {
	case resourceApp:
		d.out.WriteString(d.onlyApplication.before)
		d.applications(apps)
		d.out.WriteString(d.onlyApplication.after)
	case resourceAppInstance, resourceInstance:
		d.out.WriteString(d.onlyInstance.before)
		d.firstInstance(apps)
		d.out.WriteString(d.onlyInstance.after)
	default:
		fmt.Fprintf(d.out, d.list.before, d.text(hashcode))
		d.applications(apps)
		d.out.WriteString(d.list.after)
	}
}

// applications writes the applications that have an instance to show.
func (d *document) applications(apps []application) {
	comma := ""
	for _, app := range apps {
		before := comma + fmt.Sprintf(d.application.before, d.text(app.name))
		open := false
		for i := range app.shown(d.query) {
			d.out.WriteString(before)
			if _, err := d.out.Write(d.fragment(i, app.name, d.isXML, d.modified)); err != nil {
				return // the client has gone
			}
			before, open = d.comma, true
		}
		if open {
			d.out.WriteString(d.application.after)
			comma = d.comma
		}
	}
}

// firstInstance writes the first instance that there is to show.
func (d *document) firstInstance(apps []application) {
	for _, app := range apps {
		for i := range app.shown(d.query) {
			d.out.Write(d.fragment(i, app.name, d.isXML, d.modified))
			return
		}
	}
}
