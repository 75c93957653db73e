package eureka

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"github.com/polarismesh/polaris/common/utils"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// send sends an answer that has these blocks. What is encoded leaves at once: an answer of
// any size takes little memory, however slowly its client reads. Where nothing is left of
// the one application or instance that the query names, send answers with 404.
func (f *front) send(q query, a answer, req *restful.Request, rsp *restful.Response) {
	if len(a.blocks) == 0 && q.resource.isForOne() {
		notFound(req, rsp)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			observe.Fault("a Eureka answer ends before its end", zap.Any("panic", p), zap.Stack("stack"))
			panic(http.ErrAbortHandler)
		}
	}()
	d := document{query: q, syntax: q.syntax(), fragments: &f.fragments, out: bufio.NewWriterSize(rsp, 16<<10), modified: f.modified}
	req.SetAttribute(utils.PolarisCode, uint32(apimodel.Code_ExecuteSuccess))
	rsp.Header().Set(restful.HEADER_ContentType, d.mime)
	rsp.WriteHeader(http.StatusOK)
	d.write(a)
	_ = d.out.Flush() // an error says that the client has gone
}

// answer is what is sent. Answers about one application or instance have blocks only.
type answer struct {
	blocks   []block
	hashcode string
}

// newVersion returns the version of a list: a number that no other list has, of any node.
// py-eureka-client does not look at a delta that has the version and the hashcode of the
// answer before.
func newVersion() string { return strconv.FormatInt(1+rand.Int64N(1<<52), 10) }

// document is an answer that is being written: as the stock listener writes answers,
// without white space.
type document struct {
	query
	*syntax
	*fragments
	modified modified
	out      *bufio.Writer
}

func (d *document) write(a answer) {
	fmt.Fprint(d.out, d.prolog)
	switch d.resource {
	case resourceApp:
		d.out.WriteString(d.onlyApplication.before)
		d.applications(a.blocks)
		d.out.WriteString(d.onlyApplication.after)
	case resourceAppInstance, resourceInstance:
		d.out.WriteString(d.onlyInstance.before)
		d.instance(a.blocks[0], a.blocks[0].instances[0])
		d.out.WriteString(d.onlyInstance.after)
	default:
		fmt.Fprintf(d.out, d.list.before, d.text(newVersion()), d.text(a.hashcode))
		d.applications(a.blocks)
		d.out.WriteString(d.list.after)
	}
}

// applications writes an application for each block.
func (d *document) applications(blocks []block) {
	comma := ""
	for _, b := range blocks {
		before := comma + fmt.Sprintf(d.application.before, d.text(b.name))
		for _, i := range b.instances {
			d.out.WriteString(before)
			if err := d.instance(b, i); err != nil {
				return // the client has gone
			}
			before = d.comma
		}
		d.out.WriteString(d.application.after)
		comma = d.comma
	}
}

// instance writes an instance of a block. What clients have to do is at the end of the
// encoded instance.
func (d *document) instance(b block, i *apiservice.Instance) error {
	fragment := d.fragment(i, b.name, d.isXML, d.modified)
	d.out.Write(fragment[:len(fragment)-len(d.action.before)-len(eurekaserver.ActionAdded)-len(d.action.after)])
	d.out.WriteString(d.action.before)
	d.out.WriteString(b.action)
	_, err := d.out.WriteString(d.action.after) // has the error of an earlier write, too
	return err
}
