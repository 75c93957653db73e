package alike_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/alike"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
)

func TestAlike(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"qb.novel.h", "qb.Novel.h", true},
		{"qb-novel-x", "qb_novel_x", true},
		{"Gen\u00e8ve", "Gene\u0300ve", true},
		{"ap\uff0dshenzhen", "ap-shenzhen", true},
		{"ap\u2013shenzhen", "ap-shenzhen", true},
		{"ap-sh\u0430nghai", "ap-shanghai", true},
		{"\u039danjing", "nanjing", true}, // a Greek capital
		{"\u03bdm-1", "vm-1", true},       // and a small letter
		{"\u0401\u043b\u043a\u0438", "\u0451\u043b\u043a\u0438", true},
		{"\uff53\uff5a", "SZ", true},
		{"\u215f2", "1/2", false},
		{"a", "a", false},
		{"SH", "SZ", false},
		{"us-east-1a", "us-east-1b", false},
		{"华南", "华东", false},
	} {
		if got := alike.Alike(tt.a, tt.b); got != tt.want || alike.Alike(tt.b, tt.a) != tt.want {
			t.Errorf("%q and %q: %t", tt.a, tt.b, got)
		}
	}
}

func TestDifference(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{"qb.Novel.h", "qb.novel.h", `"N" is not "n"`},
		{"Gen\u00e8ve", "Gene\u0300ve", "\"\u00e8\" (U+00E8) is not \"e\u0300\" (U+0065 U+0300)"},
		{"Gene\u0300ve", "Geneve", "\"e\u0300\" (U+0065 U+0300) is not \"e\""},
		{"ap-sh\u0430nghai", "ap-shanghai", "\"\u0430\" (U+0430) is not \"a\""},
		{"ap-shangahi", "ap-shanghai", `"ah" is not "ha"`},
		{"ap-shanghi", "ap-shanghai", `"a" is missing`},
		{"ap-shanghaai", "ap-shanghai", `"a" is too many`},
		{"ap-shenzhen\u200b", "ap-shenzhen", `"\u200b" (U+200B) is too many`},
		{"华南 ", "华南", `" " is too many`},
	} {
		if got := alike.Difference(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %s, want %s", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestHidden(t *testing.T) {
	for text, want := range map[string]string{
		"ap-shenzhen\u200b": "U+200B (a zero-width space)", "\ufeffa": "U+FEFF (a byte order mark)", "a\tb": "U+0009 (a tab)", "a\u3164": "U+3164",
		"a\ufe0f": "U+FE0F", "a\u00a0b": "U+00A0 (a no-break space)", "a\x7f": "U+007F", "a\u2800": "U+2800",
		"华南 一区": "", "Gene\u0300ve": "", "a b": "", "1号楼": "",
	} {
		got := ""
		if r, ok := alike.Hidden(text); ok {
			got = alike.Describe(r)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if seen := alike.Seen(text); seen != norm.NFC.String(seen) && got != "" {
			t.Errorf("%q is seen as %q", text, seen)
		}
	}
}

// slowFind looks at each pair, as docs/design.md, 3 has it.
func slowFind(names []alike.Name) (pairs []alike.Pair) {
	class := make([]int, len(names))
	for n := range names {
		class[n] = n
	}
	for range names {
		for a := range names {
			for b := range names {
				if alike.Alike(names[a].Text, names[b].Text) {
					class[a] = min(class[a], class[b])
				}
			}
		}
	}
	for odd := range names {
		best, isPaired := odd, false
		for n := range names {
			if class[n] == class[odd] && (names[n].Entries > names[best].Entries || names[n].Entries == names[best].Entries && n < best) {
				best, isPaired = n, true
			}
		}
		if !isPaired && names[odd].Entries == 1 {
			for n := range names {
				if names[n].Entries >= 5 && slowSlip(names[odd].Text, names[n].Text) && (!isPaired || names[n].Entries > names[best].Entries) {
					best, isPaired = n, true
				}
			}
			if isPaired {
				pairs = append(pairs, alike.Pair{odd, best, true})
				continue
			}
		}
		if isPaired {
			pairs = append(pairs, alike.Pair{odd, best, false})
		}
	}
	return pairs
}

// slowSlip makes every slip of every word of the usual name.
func slowSlip(odd, usual string) bool {
	odd, usual = strings.ReplaceAll(strings.ToLower(odd), "-", "_"), strings.ReplaceAll(strings.ToLower(usual), "-", "_")
	isBreak := func(r rune) bool { return strings.ContainsRune("._0123456789", r) }
	for start := 0; start < len(usual); start++ {
		word := usual[start:]
		if end := strings.IndexFunc(word, isBreak); end >= 0 {
			word = word[:end]
		}
		if start > 0 && !isBreak(rune(usual[start-1])) || len(word) < 5 {
			continue
		}
		before, after := usual[:start], usual[start+len(word):]
		for i := range len(word) + 1 {
			for c := 'a'; c <= 'z'; c++ {
				if odd == before+word[:i]+string(c)+word[i:]+after || i < len(word) && odd == before+word[:i]+string(c)+word[i+1:]+after {
					return odd != usual
				}
			}
			if i < len(word) && odd == before+word[:i]+word[i+1:]+after || i+1 < len(word) && odd == before+word[:i]+word[i+1:i+2]+word[i:i+1]+word[i+2:]+after {
				return odd != usual
			}
		}
	}
	return false
}

func TestFindAgreesWithOracle(t *testing.T) { rapid.Check(t, findAgreesWithOracle) }

func FuzzFind(f *testing.F) {
	fuzztest.AddNoise(f, 6000)
	f.Fuzz(rapid.MakeFuzz(findAgreesWithOracle))
}

func findAgreesWithOracle(t *rapid.T) {
	var names []alike.Name
	text := rapid.StringMatching(`[ab]{3,6}([._1-][abB]{0,6}){0,2}`)
	for _, s := range rapid.SliceOfNDistinct(text, 0, 20, rapid.ID[string]).Draw(t, "names") {
		names = append(names, alike.Name{s, rapid.SampledFrom([]int{0, 1, 1, 2, 4, 5, 6}).Draw(t, "entries")})
	}
	oneOrMore := slices.DeleteFunc(names, func(n alike.Name) bool { return n.Entries == 0 })
	if got, want := fmt.Sprint(alike.Find(oneOrMore)), fmt.Sprint(slowFind(oneOrMore)); got != want {
		t.Fatalf("%v\n%s\nwant %s", oneOrMore, got, want)
	}
}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		name  string
		names []alike.Name
		want  string
	}{
		{"ordinary zones", []alike.Name{{"us-east-1a", 1}, {"us-east-1b", 9}, {"us-east-2a", 1}, {"ap-shenzhen", 9}, {"ap-shenyang", 1}}, "[]"},
		{"ordinary groups", []alike.Name{{"set.SH.1", 1}, {"set.SZ.1", 9}, {"trade.core.gz01", 1}, {"trade.core.gz02", 9}, {"a.core.x", 9}, {"a.cores.x", 1}}, "[]"},
		{"Chinese", []alike.Name{{"广州南沙一区", 1}, {"广州南沙二区", 9}, {"上海浦东东区", 1}, {"上海浦东西区", 9}}, "[]"},
		{"a letter that is missing", []alike.Name{{"qb.novel.h", 5}, {"qb.nove.h", 1}}, "[{1 0 true}]"},
		{"swapped", []alike.Name{{"qb.novle.h", 1}, {"qb.novel.h", 5}}, "[{0 1 true}]"},
		{"said too often", []alike.Name{{"qb.novle.h", 2}, {"qb.novel.h", 5}}, "[]"},
		{"said not often enough", []alike.Name{{"qb.novle.h", 1}, {"qb.novel.h", 4}}, "[]"},
		{"the plain one of a class", []alike.Name{{"ap\uff0dsz", 1}, {"ap-sz", 1}, {"Gene\u0300ve", 2}, {"Gen\u00e8ve", 2}}, "[{0 1 false} {2 3 false}]"},
		{"the usual one of a class", []alike.Name{{"SH", 1}, {"sh", 3}, {"Sh", 2}}, "[{0 1 false} {2 1 false}]"},
	} {
		if got := fmt.Sprint(alike.Find(tt.names)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
