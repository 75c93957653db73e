package eureka

import (
	"encoding/json"
	"encoding/xml"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// maxFragments is about how many bytes of fragments are kept in each of two
// generations: together those of a namespace of some 100,000 instances.
const maxFragments = 64 << 20

// fragmentOverhead is about what a fragment takes beside its bytes.
const fragmentOverhead = 128

// fragments keeps encoded instances. A record of an instance does not change: another
// takes its place. What nobody asks for while a generation fills goes.
type fragments struct {
	mu         sync.RWMutex
	young, old map[fragmentKey][]byte
	size       int // of young, in bytes

	// encoders holds an element for each instance that is being encoded: answers leave
	// half of the processors to others.
	encoders chan struct{}
}

type fragmentKey struct {
	record *apiservice.Instance
	app    string
	isXML  bool
}

func newFragments() fragments {
	return fragments{encoders: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// modified returns when an instance changed last.
type modified func(*apiservice.Instance) time.Time

// fragment returns an instance as the stock listener writes it.
func (f *fragments) fragment(i *apiservice.Instance, app string, isXML bool, modified modified) []byte {
	key := fragmentKey{i, app, isXML}
	f.mu.RLock()
	fragment, ok := f.young[key]
	if !ok {
		fragment = f.old[key]
	}
	f.mu.RUnlock()
	if ok {
		return fragment
	}
	if fragment == nil {
		fragment = f.encode(newInstanceInfo(app, i, modified(i)), isXML)
	}
	f.keep(key, fragment)
	return fragment
}

func (f *fragments) encode(info *eurekaserver.InstanceInfo, isXML bool) []byte {
	f.encoders <- struct{}{}
	defer func() { <-f.encoders }()
	marshal := json.Marshal
	if isXML {
		marshal = xml.Marshal
		dropUnwritable(info.Metadata.Meta)
	}
	fragment, err := marshal(info)
	if err != nil {
		panic(err) // both write any text
	}
	return fragment
}

func (f *fragments) keep(key fragmentKey, fragment []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.size > maxFragments {
		f.young, f.old, f.size = nil, f.young, 0
	}
	if f.young == nil {
		f.young = map[fragmentKey][]byte{}
	}
	f.young[key] = fragment
	f.size += len(fragment) + fragmentOverhead
}

// The stock listener writes metadata whose key begins with one of these as attributes.
const attributeMarks = "@-"

// dropUnwritable drops the metadata that have no place in XML, as their keys are no
// names: with them nobody could read the document. Of two attributes with one name
// the one of `@` stays.
func dropUnwritable(metadata map[string]any) {
	for key := range metadata {
		name := key
		if key != "" && strings.Contains(attributeMarks, key[:1]) {
			name = key[1:]
		}
		_, twice := metadata["@"+name]
		if !isXMLName(name) || twice && key[0] == '-' {
			delete(metadata, key)
		}
	}
}

// isXMLName reports whether a document can have an element of that name, without a
// namespace.
func isXMLName(name string) bool {
	token, err := xml.NewDecoder(strings.NewReader("<" + name + "/>")).RawToken()
	start, ok := token.(xml.StartElement)
	return err == nil && ok && start.Name.Local == name
}
