// Package release describes publications in Polaris's config center. It imports
// no Polaris: setctl reads releases, too.
package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"
)

// Types of releases.
const (
	TypeFull = "full" // for every node
	TypeGray = "gray" // for the nodes that have its labels
)

// NameForm says what IsName takes.
const NameForm = "1 to 64 letters, digits, dots, hyphens and underscores"

var name = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// IsName reports whether a new release can have a name.
func IsName(text string) bool { return name.MatchString(text) }

// Release is one publication of a file in the config center. Its JSON is in the
// answers of the admin listener and in the copies on disk.
type Release struct {
	File    string `json:"file"` // the name in our configuration, polaris://...
	Name    string `json:"name"`
	Type    string `json:"type"`    // TypeFull or TypeGray
	Version uint64 `json:"version"` // counts the publications of the file
	// ID is a number that the store gives once, when the release is made. To put
	// an earlier release in force again changes its Version and PublishedAt only.
	ID          uint64    `json:"id"`
	PublishedAt time.Time `json:"publishedAt"`
}

// OlderThan reports whether r was in force before other. No number alone tells:
// the versions of a file can start again when its releases are deleted, a
// rollback has a lower ID than the release that it replaces, and the clock of
// the store can be set back. So the ID decides only where both releases were put
// in force in the same second.
func (r Release) OlderThan(other Release) bool {
	before := r.PublishedAt.Before(other.PublishedAt) || r.PublishedAt.Equal(other.PublishedAt) && r.ID <= other.ID
	return r != other && r.Version <= other.Version && before
}

// tagLength is the length of a Tag.
const tagLength = 16

// Tag returns a text that is another one after each publication and rollback. It says
// nothing of the names to who does not know them.
func (r Release) Tag() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d %d", r.File, r.Name, r.Type, r.Version, r.ID))
	return hex.EncodeToString(sum[:])[:tagLength]
}
