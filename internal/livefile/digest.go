package livefile

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// DigestLength is the length of Status.Digest: long enough to tell sets of files
// apart, and short enough to read out.
const DigestLength = 12

// digest returns a text that is equal, on every node, for equal names and
// contents in the same order.
func digest(files []strict.File) string {
	hash := sha256.New()
	add := func(part []byte) {
		var length [8]byte // so that parts cannot run into each other
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write(part)
	}
	for _, file := range files {
		add([]byte(file.Name))
		add(file.Data)
	}
	return hex.EncodeToString(hash.Sum(nil))[:DigestLength]
}
