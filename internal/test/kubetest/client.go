package kubetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Client plays scheduler, kubelet and controllers, as the administrator.
type Client struct {
	url  string
	http *http.Client
}

// Client returns a client. Close it after use.
func (c *Cluster) Client() *Client {
	return &Client{c.URL, &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 64,
	}}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do sends a request with a body in JSON, and reads the answer into reply. Body and
// reply may be nil.
func (c *Client) Do(ctx context.Context, method, path, contentType string, body, reply any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+Token)
	req.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if reply == nil {
		return nil
	}
	return json.Unmarshal(answer, reply)
}

// Create creates an object at the path of its kind.
func (c *Client) Create(ctx context.Context, path string, object any) error {
	return c.Do(ctx, http.MethodPost, path, "application/json", object, nil)
}

// Patch merges JSON into an object.
func (c *Client) Patch(ctx context.Context, path string, patch any) error {
	return c.Do(ctx, http.MethodPatch, path, "application/merge-patch+json", patch, nil)
}

// Delete deletes an object at once.
func (c *Client) Delete(ctx context.Context, path string) error {
	return c.Do(ctx, http.MethodDelete, path+"?gracePeriodSeconds=0", "application/json", nil, nil)
}

// Namespace creates a namespace.
func (c *Client) Namespace(ctx context.Context, name string) error {
	return c.Create(ctx, "/api/v1/namespaces", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// Node creates a node.
func (c *Client) Node(ctx context.Context, name string, labels map[string]string, addrs ...string) error {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	for _, addr := range addrs {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: addr})
	}
	return c.Create(ctx, "/api/v1/nodes", n)
}

// Pod is a pod to run.
type Pod struct {
	Namespace, Name, Node string
	Labels, Annotations   map[string]string
	HostNetwork           bool
	IPs                   []string
}

// Path returns the pod's path in the API.
func (p Pod) Path() string { return "/api/v1/namespaces/" + p.Namespace + "/pods/" + p.Name }

// Run creates a pod on its node and sets its status to running, as scheduler and
// kubelet would.
func (c *Client) Run(ctx context.Context, p Pod) error {
	object := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Labels: p.Labels, Annotations: p.Annotations},
		Spec: corev1.PodSpec{
			NodeName: p.Node, HostNetwork: p.HostNetwork,
			Containers: []corev1.Container{{Name: "c", Image: "registry.invalid/c:1"}},
		},
	}
	if err := c.Create(ctx, "/api/v1/namespaces/"+p.Namespace+"/pods", object); err != nil {
		return err
	}
	ips := []map[string]string{}
	for _, ip := range p.IPs {
		ips = append(ips, map[string]string{"ip": ip})
	}
	status := map[string]any{"phase": corev1.PodRunning, "podIPs": ips}
	if len(p.IPs) > 0 {
		status["podIP"] = p.IPs[0]
	}
	return c.Patch(ctx, p.Path()+"/status", map[string]any{"status": status})
}

// Label sets a label of an object. If the value is nil it removes the label.
func (c *Client) Label(ctx context.Context, path, key string, value any) error {
	return c.Patch(ctx, path, map[string]any{"metadata": map[string]any{"labels": map[string]any{key: value}}})
}
