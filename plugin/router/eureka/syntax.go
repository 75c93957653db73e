package eureka

import (
	"bytes"
	"encoding/json"
	"encoding/xml"

	"github.com/emicklei/go-restful/v3"
)

// syntax is a form in which answers are written.
type syntax struct {
	mime, prolog string
	list         bracket // has the version and the hashcode
	application  bracket // has the name
	comma        string  // between two applications, or two instances

	// Around an application or instance that is the whole answer.
	onlyApplication, onlyInstance bracket

	action bracket // of what clients have to do, at the end of an instance

	text func(string) string
}

// bracket stands around what it holds. Where it has a text, the text is %s.
type bracket struct{ before, after string }

var jsonSyntax = syntax{
	mime:            restful.MIME_JSON,
	list:            bracket{`{"applications":{"versions__delta":%s,"apps__hashcode":%s,"application":[`, `]}}`},
	application:     bracket{`{"name":%s,"instance":[`, `]}`},
	comma:           `,`,
	onlyApplication: bracket{`{"application":`, `}`},
	onlyInstance:    bracket{`{"instance":`, `}`},
	action:          bracket{`"actionType":"`, `"}`},
	text: func(s string) string {
		text, _ := json.Marshal(s) // a string has no error
		return string(text)
	},
}

var xmlSyntax = syntax{
	mime:        restful.MIME_XML,
	prolog:      xml.Header,
	list:        bracket{`<applications><versions__delta>%s</versions__delta><apps__hashcode>%s</apps__hashcode>`, `</applications>`},
	application: bracket{`<application><name>%s</name>`, `</application>`},
	action:      bracket{`<actionType>`, `</actionType></instance>`},
	text: func(s string) string {
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(s)) // a buffer has no error
		return b.String()
	},
}
