package eureka

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
)

// bytes returns the document as it is sent: as the stock listener writes it,
// without white space.
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
	b.WriteString(`{"` + string(d.kind) + `":`)
	switch d.kind {
	case kindApplications:
		b.WriteString(`{"versions__delta":` + quote(d.version) + `,"apps__hashcode":` + quote(d.hashcode) + `,"application":[`)
		for n, a := range d.apps {
			writeComma(b, n)
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
		writeComma(b, n)
		b.Write(i.raw)
	}
	b.WriteString(`]}`)
}

// writeComma writes the comma before element n, counted from 0.
func writeComma(b *bytes.Buffer, n int) {
	if n > 0 {
		b.WriteByte(',')
	}
}

// quote returns a string in JSON.
func quote(s string) string {
	text, _ := json.Marshal(s) // a string has no error
	return string(text)
}

func (d document) writeXML(b *bytes.Buffer) {
	b.WriteString(xml.Header)
	switch d.kind {
	case kindApplications:
		b.WriteString("<applications>")
		writeElement(b, "versions__delta", d.version)
		writeElement(b, "apps__hashcode", d.hashcode)
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
	writeElement(b, "name", a.name)
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

// writeElement writes an XML element with a text.
func writeElement(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(text)) // a buffer has no error
	b.WriteString("</" + name + ">")
}
