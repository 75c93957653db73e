package nodes

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"
)

// proofAge is how far the clocks of two nodes may be apart, and how long a message may
// be on its way.
const proofAge = 30 * time.Second

// proof shows that a message comes from a node with the same set-admin token, and is for
// one node: whoever poses as a node can use a proof nowhere else. The token itself is not
// sent.
type proof struct {
	At    time.Time `json:"at"`
	Nonce string    `json:"nonce"` // no two messages have the same
	MAC   []byte    `json:"mac"`   // of the message, At and Nonce
}

// newProof returns a proof for a message to the node at an address.
func newProof(token, address, message string, now time.Time) proof {
	p := proof{At: now.Round(0).UTC(), Nonce: rand.Text()}
	p.MAC = p.mac(token, address, message)
	return p
}

func (p proof) mac(token, address, message string) []byte {
	hash := hmac.New(sha256.New, []byte(token))
	fmt.Fprintf(hash, "setrouter\n%q\n%q\n%d\n%q", address, message, p.At.UnixNano(), p.Nonce)
	return hash.Sum(nil)
}

// verifier checks proofs. It takes each of them once. It is safe for concurrent use.
type verifier struct {
	token   string
	address func() string // of this node, as it is registered

	mu   sync.Mutex
	seen map[string]time.Time // when a proof with this nonce was taken
}

// check returns an error if a message does not come, just now, from a node with the
// same token.
func (v *verifier) check(p proof, message string, now time.Time) error {
	switch {
	case v.token == "":
		return errors.New("its set-admin listener has no token, by which it would know that an operator asks")
	case !hmac.Equal(p.MAC, p.mac(v.token, v.address(), message)):
		return errors.New("its set-admin listener has another token, or it is registered at another address")
	case now.Sub(p.At).Abs() > proofAge:
		return fmt.Errorf("its clock is %v off, more than %v", now.Sub(p.At).Abs().Round(time.Second), proofAge)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for nonce, taken := range v.seen { // few: each has the token
		if now.Sub(taken).Abs() > 3*proofAge {
			delete(v.seen, nonce)
		}
	}
	if _, ok := v.seen[p.Nonce]; ok {
		return errors.New("the message has come before")
	}
	if v.seen == nil {
		v.seen = map[string]time.Time{}
	}
	v.seen[p.Nonce] = now
	return nil
}
