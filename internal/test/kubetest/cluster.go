// Package kubetest runs a real kube-apiserver on loopback for tests, with an
// etcd behind it. Nothing else of a cluster runs: no scheduler, no kubelet, no
// controllers. A test plays these, with a Client.
//
// The package needs two programs: etcd (Debian package etcd-server) and kube-apiserver,
// which scripts/kubernetes/build-apiserver builds once into the user's cache.
package kubetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Version is the version of the kube-apiserver.
const Version = "v1.37.2"

// Token is the token of a user in system:masters, who may do everything.
const Token = "admin-token"

// startTimeout is generous: a test machine may be busy.
const startTimeout = 2 * time.Minute

// Cluster is a running API server.
type Cluster struct {
	Dir        string // has all files of the cluster
	URL        string
	Kubeconfig string // a file, for Token

	binary    string
	etcdURL   string
	peerURL   string
	port      string
	etcd, api *process
}

// Start starts a cluster in a directory of its own and waits until it is ready.
func Start(ctx context.Context) (*Cluster, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "setrouter-kubernetes-")
	if err != nil {
		return nil, err
	}
	port := fmt.Sprint(polaristest.FreePort())
	c := &Cluster{
		Dir: dir, binary: binary, port: port, URL: "https://127.0.0.1:" + port,
		etcdURL: fmt.Sprintf("http://127.0.0.1:%d", polaristest.FreePort()),
		peerURL: fmt.Sprintf("http://127.0.0.1:%d", polaristest.FreePort()),
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) (err error) {
	if err := c.writeSecrets(); err != nil {
		return err
	}
	c.etcd, err = run(c.path("etcd.log"), "etcd", "--name", "e", "--data-dir", c.path("etcd"),
		"--listen-client-urls", c.etcdURL, "--advertise-client-urls", c.etcdURL,
		"--listen-peer-urls", c.peerURL, "--initial-advertise-peer-urls", c.peerURL, "--initial-cluster", "e="+c.peerURL)
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w, expected the Debian package etcd-server to be installed", err)
	}
	if err != nil {
		return err
	}
	if err := c.StartAPI(ctx); err != nil {
		return err
	}
	c.Kubeconfig, err = c.WriteKubeconfig("admin", Token)
	return err
}

// Binary returns the path of kube-apiserver in the user's cache.
func Binary() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "setrouter", "kubernetes", Version, "kube-apiserver")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no kube-apiserver %s in the cache, expected scripts/kubernetes/build-apiserver to have run: %w", Version, err)
	}
	return path, nil
}

// StartAPI starts the API server, at the start or after KillAPI, at the same
// address and with the same certificate, and waits until it is ready.
func (c *Cluster) StartAPI(ctx context.Context) (err error) {
	c.api, err = run(c.path("api.log"), c.binary, "--etcd-servers="+c.etcdURL,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+c.port, "--cert-dir="+c.path("certs"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.path("sa.key"), "--service-account-signing-key-file="+c.path("sa.key"),
		"--token-auth-file="+c.path("tokens.csv"), "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount",
		"--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for !c.ready(ctx) {
		select {
		case <-c.api.done:
			return fmt.Errorf("kube-apiserver ended:\n%s", c.api.tail())
		case <-c.etcd.done:
			return fmt.Errorf("etcd ended:\n%s", c.etcd.tail())
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver is not ready: %w:\n%s", ctx.Err(), c.api.tail())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// ready asks without a check of the certificate, which the server makes itself.
func (c *Cluster) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/readyz", nil)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+Token)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body)
	return body.String() == "ok"
}

// KillAPI ends the API server at once. etcd keeps its data.
func (c *Cluster) KillAPI() { c.api.kill() }

// Stop ends everything and removes the directory.
func (c *Cluster) Stop() error {
	c.api.kill()
	c.etcd.kill()
	return os.RemoveAll(c.Dir)
}

// APIServerPID returns the process id of the API server.
func (c *Cluster) APIServerPID() int { return c.api.cmd.Process.Pid }

func (c *Cluster) path(name string) string { return filepath.Join(c.Dir, name) }
