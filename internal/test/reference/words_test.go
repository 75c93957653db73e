package reference

import (
	"fmt"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

const wordsHead = `<!-- Made by: go test ./internal/test/reference -update -->
# Reference: keys that you know from Polaris, TARS or Istio

For operators who come from Polaris's SDKs, TARS or Istio, and have a file of theirs before them. Every key that there is here is in
[configuration.md](configuration.md); the words of this project are in the [glossary](../glossary.md).

A key of this table that is none of ours at its place is refused, and the message says what the key is here:

` + "```text" + `
%s
` + "```" + `

| key | of | here | what differs |
|---|---|---|---|
`

const wordsEnd = `
## What is the same word, and another thing

| written | what to know |
|---|---|
| ` + "`maxMatchLevel: \"\"`" + ` | In polaris-go the empty text is the level of all. Here it is refused; write ` + "`maxMatchLevel: all`" + `, or leave the key out, which is the same. |
| ` + "`matchLevel`, `maxMatchLevel`" + ` in tables | *Max* is the widest level, not the most exact one: the roads go from ` + "`matchLevel`" + ` out to ` + "`maxMatchLevel`" + `. Where a table of levels and what they are left for reads the other way round, its two columns are exchanged. The SDKs go as written here. |
| region, zone, campus | In Polaris as here: 地域, 城市 or 可用区, 园区. A *zone* of a cloud is often a campus of Polaris, and its *region* a zone. |
| SET | As in TARS, three segments. In Polaris's SDKs the name is in the metadata ` + "`internal-set-name`" + `, and ` + "`internal-enable-set: Y`" + ` switches it on; ` + "`set-group`" + ` is read, too ([design.md, 4](../design.md#4-who-is-who)). |
| health | Polaris's heartbeats and checks. What a client sees of calls, as Istio's outlier detection or the circuit breakers of Polaris's SDKs, never comes here; it works within the list. |
` + "| `internal-enable-nearby` | A switch of the service in Polaris's console, for the SDKs' own nearby router. Leave it off for services that rules are for: the list is decided already. A rule can read it: `when: {serviceMetadata: {internal-enable-nearby: \"true\"}}`. |\n"

// The page has the words of other systems that messages explain.
func TestWordsPage(t *testing.T) {
	var problems strict.Problems
	kinds[2].read(strict.File{Name: "routing.yaml", Data: []byte("version: 1\nrules:\n  - name: novel\n    service: default/novel\n    nearby: {strictNearby: true}\n")}, &problems)
	var b strings.Builder
	fmt.Fprintf(&b, wordsHead, problems.Err())
	for _, w := range strict.ForeignWords {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", w.Key, w.Of, w.Here, w.Differs)
	}
	b.WriteString(wordsEnd)
	comparePage(t, "words.md", b.String())
}
