package livefile

import (
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

func TestDigest(t *testing.T) {
	digestOf := func(pairs ...string) string {
		var files []strict.File
		for i := 0; i < len(pairs); i += 2 {
			files = append(files, strict.File{Name: pairs[i], Data: []byte(pairs[i+1])})
		}
		return digest(files)
	}
	seen := map[string][]string{}
	for _, pairs := range [][]string{{}, {"a", "bc"}, {"x", "bc"}, {"ab", "c"}, {"a", "b"}, {"a", "bc", "", ""}, {"", "", "a", "bc"}, {"abc", ""}} {
		d := digestOf(pairs...)
		if len(d) != DigestLength || digestOf(pairs...) != d {
			t.Errorf("%q: digest %q", pairs, d)
		}
		if other, ok := seen[d]; ok {
			t.Errorf("%q and %q have one digest", pairs, other)
		}
		seen[d] = pairs
	}
}

// The digest is of what is in force, not of what was tried.
func TestDigestOfWhatIsInForce(t *testing.T) {
	f := newSourced(t, fakeSource{now: "bad"})
	f.start("bad line", "")
	if d := f.live.Status().Digest; d != "" {
		t.Errorf("nothing is in force, and has the digest %s", d)
	}
	follow := func(text, wantErr, want string) string {
		f.source.publish(text)
		f.live.Refresh()
		f.next(wantErr, want)
		return f.live.Status().Digest
	}
	first := follow("1", "", "1")
	if first == "" || follow("bad", "bad line", "1") != first {
		t.Error("a refused content changes the digest")
	}
	if second := follow("2", "", "2"); second == first || follow("1", "", "1") != first {
		t.Errorf("the digest does not follow the content: %s, then %s", first, second)
	}
}
