package livefile

import (
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

func TestDigest(t *testing.T) {
	of := func(pairs ...string) string {
		var files []strict.File
		for i := 0; i < len(pairs); i += 2 {
			files = append(files, strict.File{Name: pairs[i], Data: []byte(pairs[i+1])})
		}
		return digest(files)
	}
	seen := map[string][]string{}
	for _, pairs := range [][]string{{}, {"a", "bc"}, {"x", "bc"}, {"ab", "c"}, {"a", "b"}, {"a", "bc", "", ""}, {"", "", "a", "bc"}, {"abc", ""}} {
		d := of(pairs...)
		if len(d) != DigestLength || of(pairs...) != d {
			t.Errorf("%q: digest %q", pairs, d)
		}
		if other, is := seen[d]; is {
			t.Errorf("%q and %q have one digest", pairs, other)
		}
		seen[d] = pairs
	}
}

// The digest is of what is in force, not of what was tried.
func TestDigestOfWhatIsInForce(t *testing.T) {
	f := newRemote(t, t.TempDir(), release{err: ErrAbsent})
	f.start("there is no such content", "")
	if d := f.live.Status().Digest; d != "" {
		t.Errorf("nothing is in force, and has the digest %s", d)
	}
	follow := func(r release, wantErr, want string) string {
		f.provider.publish(r)
		f.live.refresh()
		f.next(wantErr, want)
		return f.live.Status().Digest
	}
	first := follow(release{text: "1"}, "", "1")
	if first == "" || follow(release{text: "bad"}, "bad line", "1") != first {
		t.Error("a refused content changes the digest")
	}
	if second := follow(release{text: "2"}, "", "2"); second == first || follow(release{text: "1"}, "", "1") != first {
		t.Errorf("the digest does not follow the content: %s, then %s", first, second)
	}
}
