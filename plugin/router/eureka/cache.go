package eureka

import (
	"bytes"
	"sync"
)

// documentCache keeps large answers parsed. The stock listener sends the same
// bytes until it makes its list anew.
type documentCache struct {
	mu      sync.Mutex
	answers map[documentKey]parsedAnswer
}

// documentKey is what a client asks for.
type documentKey struct {
	namespace, path string
	isXML           bool
}

type parsedAnswer struct {
	body     []byte
	document *document
}

const (
	minCachedBytes     = 64 << 10 // smaller answers are parsed each time
	maxCachedDocuments = 8        // few: clients choose namespaces and paths
)

// parse returns the document in a body.
func (c *documentCache) parse(body []byte, key documentKey) (*document, error) {
	if len(body) < minCachedBytes {
		return parse(body, key.isXML)
	}
	c.mu.Lock()
	defer c.mu.Unlock() // held while it parses: others wait for the same bytes
	if cached := c.answers[key]; cached.document != nil && bytes.Equal(cached.body, body) {
		return cached.document, nil
	}
	d, err := parse(body, key.isXML)
	if err != nil {
		return nil, err
	}
	if c.answers == nil || len(c.answers) >= maxCachedDocuments {
		c.answers = map[documentKey]parsedAnswer{}
	}
	c.answers[key] = parsedAnswer{body, d}
	return d, nil
}
