package eureka

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
)

// bytes are the document as sent: the stock one without its white space.
func (d document) bytes() []byte {
	var b bytes.Buffer
	if d.isXML {
		d.writeXML(&b)
	} else {
		d.writeJSON(&b)
	}
	return b.Bytes()
}

func (d document) writeJSON(b *bytes.Buffer) {
	b.WriteString(`{"` + d.kind + `":`)
	switch d.kind {
	case kindApplications:
		b.WriteString(`{"versions__delta":` + quote(d.version) + `,"apps__hashcode":` + quote(d.hash) + `,"application":[`)
		for n, a := range d.apps {
			comma(b, n)
			a.writeJSON(b)
		}
		b.WriteString(`]}`)
	case kindApplication:
		d.apps[0].writeJSON(b)
	case kindInstance:
		b.Write(d.apps[0].instances[0].raw)
	}
	b.WriteString(`}`)
}

func (a application) writeJSON(b *bytes.Buffer) {
	b.WriteString(`{"name":` + quote(a.name) + `,"instance":[`)
	for n, i := range a.instances {
		comma(b, n)
		b.Write(i.raw)
	}
	b.WriteString(`]}`)
}

func comma(b *bytes.Buffer, n int) {
	if n > 0 {
		b.WriteByte(',')
	}
}

func quote(s string) string {
	text, _ := json.Marshal(s) // a string has no error
	return string(text)
}

func (d document) writeXML(b *bytes.Buffer) {
	b.WriteString(xml.Header)
	switch d.kind {
	case kindApplications:
		b.WriteString("<applications>")
		element(b, "versions__delta", d.version)
		element(b, "apps__hashcode", d.hash)
		for _, a := range d.apps {
			a.writeXML(b)
		}
		b.WriteString("</applications>")
	case kindApplication:
		d.apps[0].writeXML(b)
	case kindInstance:
		d.apps[0].instances[0].writeXML(b)
	}
}

func (a application) writeXML(b *bytes.Buffer) {
	b.WriteString("<application>")
	element(b, "name", a.name)
	for _, i := range a.instances {
		i.writeXML(b)
	}
	b.WriteString("</application>")
}

func (i instance) writeXML(b *bytes.Buffer) {
	b.WriteString("<instance>")
	b.Write(i.raw)
	b.WriteString("</instance>")
}

func element(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(text)) // a buffer has no error
	b.WriteString("</" + name + ">")
}
