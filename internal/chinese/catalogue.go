package chinese

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The catalogue has two lines for each text, and an empty line behind them: the format of
// the English text, and the Chinese one, in which {1} is the first value as it is, and {1*}
// the first value in Chinese. A line that begins with # is a remark.
//
//go:embed *.txt
var files embed.FS

// row is a text of the catalogue.
type row struct {
	english, chinese string
	origin           string // file:line

	pattern *regexp.Regexp
	literal string // the longest piece of the English text that is no value
	fixed   int    // how many bytes are no value
}

// rows are all texts. A wrong catalogue panics at start: the tests load it.
var rows = load()

// whole are the texts without values.
var whole = func() map[string]string {
	out := map[string]string{}
	for _, r := range rows {
		if len(valueOf.FindAllString(r.english, -1)) == 0 {
			out[r.english] = r.chinese
		}
	}
	return out
}()

// shapes returns the texts with values, those with the most words of their own first, and of
// equal ones those with the fewest values.
var shapes = sync.OnceValue(func() (out []*row) {
	for _, r := range rows {
		if valueOf.MatchString(r.english) {
			r.compile()
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b *row) int {
		return cmp.Or(cmp.Compare(b.fixed, a.fixed), cmp.Compare(a.pattern.NumSubexp(), b.pattern.NumSubexp()))
	})
	return out
})

// load reads the catalogue.
func load() (out []*row) {
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		var english string
		for n, line := range strings.Split(string(data), "\n") {
			origin := fmt.Sprintf("%s:%d", name, n+1)
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
				if english != "" {
					panic(origin + ": no Chinese text for: " + english)
				}
			case english == "":
				english = line
			default:
				out = append(out, &row{english: english, chinese: line, origin: origin})
				english = ""
			}
		}
	}
	return out
}

// valueOf finds the values in a format of package fmt.
var valueOf = regexp.MustCompile(`%(?:\[\d\])?[-+#]?[0-9.]*[sdqvwgtfUc]`)

// valuePatterns are what each verb writes; any text for the others.
var valuePatterns = map[byte]string{
	'd': `(-?[0-9]+)`, 'q': `("(?:[^"\\]|\\.)*")`, 'g': `([0-9.e+-]+)`, 'f': `([0-9.e+-]+)`, 't': `(true|false)`,
}

// fewWords is how many bytes of its own a format has at least of which any text may be a
// value. In a shorter one, and at the beginning, a value that stays as it is has no blank:
// "not %s" is for the name of a rule, and not for a sentence. So has a file before ":%d".
const fewWords = 8

// compile makes the pattern of a row.
func (r *row) compile() {
	literals := valueOf.Split(r.english, -1)
	for n, text := range literals {
		literals[n] = strings.ReplaceAll(text, "%%", "%")
		r.fixed += len(literals[n])
		if len(literals[n]) > len(r.literal) {
			r.literal = literals[n]
		}
	}
	pattern := regexp.QuoteMeta(literals[0])
	for n, value := range valueOf.FindAllString(r.english, -1) {
		any := `(.*?)`
		isFile := strings.HasPrefix(literals[n+1], ":") && literals[n+1] != ": "
		if isFile || (r.fixed < fewWords || pattern == "") && !strings.Contains(r.chinese, fmt.Sprintf("{%d*}", n+1)) {
			any = `(\S+)`
		}
		pattern += cmp.Or(valuePatterns[value[len(value)-1]], any) + regexp.QuoteMeta(literals[n+1])
	}
	r.pattern = regexp.MustCompile(`(?s)^` + pattern + `$`)
}

// match returns the values of a text of this shape; nil for another text.
func (r *row) match(text string) []string {
	if !strings.Contains(text, r.literal) {
		return nil
	}
	return r.pattern.FindStringSubmatch(text)
}

// slot finds the places of values in a Chinese text.
var slot = regexp.MustCompile(`\{(\d+)(\*?)\}`)

// say returns the Chinese text with the values of a match.
func (r *row) say(values []string) string {
	var out spaced
	rest := 0
	for _, at := range slot.FindAllStringSubmatchIndex(r.chinese, -1) {
		out.add(r.chinese[rest:at[0]])
		n, _ := strconv.Atoi(r.chinese[at[2]:at[3]])
		if at[4] == at[5] {
			out.add(values[n])
		} else {
			out.add(Text(values[n]))
		}
		rest = at[1]
	}
	out.add(r.chinese[rest:])
	return out.text
}

// spaced is a text with a blank where Chinese characters and others meet, as usual in print.
type spaced struct{ text string }

// add adds a piece.
func (s *spaced) add(piece string) {
	last, _ := utf8.DecodeLastRuneInString(s.text)
	first, _ := utf8.DecodeRuneInString(piece)
	if unicode.Is(unicode.Han, last) && isLatin(first) || isLatin(last) && unicode.Is(unicode.Han, first) {
		s.text += " "
	}
	s.text += piece
}

// isLatin reports whether a character begins or ends an English word, a number or a quotation.
func isLatin(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '"')
}
