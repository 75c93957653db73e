package kubetest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// writeSecrets writes the key with which the API server signs service account
// tokens, and the administrator's token.
func (c *Cluster) writeSecrets() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	if err := os.WriteFile(c.path("sa.key"), pem.EncodeToMemory(block), 0o600); err != nil {
		return err
	}
	return os.WriteFile(c.path("tokens.csv"), []byte(Token+`,admin,admin-uid,"system:masters"`+"\n"), 0o600)
}

// WriteKubeconfig writes a kubeconfig file for a token and returns its path.
func (c *Cluster) WriteKubeconfig(name, token string) (string, error) {
	path := c.path(name + ".kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters:
  - name: test
    cluster: {server: %q, certificate-authority: %q}
users:
  - name: test
    user: {token: %q}
contexts:
  - name: test
    context: {cluster: test, user: test}
`, c.URL, c.path("certs/apiserver.crt"), token)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
