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

// digest is equal for equal names and contents in the same order, on every node.
func digest(files []strict.File) string {
	h := sha256.New()
	part := func(data []byte) {
		var length [8]byte // so that parts cannot run into each other
		binary.BigEndian.PutUint64(length[:], uint64(len(data)))
		h.Write(length[:])
		h.Write(data)
	}
	for _, f := range files {
		part([]byte(f.Name))
		part(f.Data)
	}
	return hex.EncodeToString(h.Sum(nil))[:DigestLength]
}
