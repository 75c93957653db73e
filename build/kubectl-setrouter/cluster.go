package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// cluster is the access to a cluster, and the namespace to look in.
type cluster struct {
	config    *rest.Config
	core      *typedv1.CoreV1Client
	namespace string
}

// connect reads the kubeconfig as kubectl does.
func connect(o options) (*cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.context}
	overrides.Context.Namespace = o.namespace
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, err
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, err
	}
	core, err := typedv1.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &cluster{config, core, namespace}, nil
}

// find returns the name of the pod: the one that the options name, else the first of
// the selector that is ready.
func (c *cluster) find(ctx context.Context, o options) (string, error) {
	if o.pod != "" {
		return o.pod, nil
	}
	pods, err := c.core.Pods(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: o.selector})
	if err != nil {
		return "", err
	}
	if len(pods.Items) == 0 {
		return "", fmt.Errorf("no pod in namespace %q has the labels %q; expected the server's namespace after -n, or its labels after -l", c.namespace, o.selector)
	}
	for _, pod := range pods.Items {
		if ready(pod) {
			return pod.Name, nil
		}
	}
	return "", fmt.Errorf("none of %d pods with the labels %q in namespace %q is ready; --pod %s asks one that is not", len(pods.Items), o.selector, c.namespace, pods.Items[0].Name)
}

// ready reports whether clients are sent to a pod.
func ready(pod corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// forward forwards a free port on loopback to a pod's port until stop is called.
func (c *cluster) forward(ctx context.Context, pod string, remote int) (local uint16, stop func(), err error) {
	dialer, err := c.dialer(pod)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	readyChan := make(chan struct{})
	forwarder, err := portforward.NewOnAddressesForStreaming(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", remote)}, ctx.Done(), readyChan, io.Discard, os.Stderr)
	if err != nil {
		cancel()
		return 0, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	stop = func() {
		cancel()
		<-ended
	}
	select {
	case <-readyChan:
	case err := <-ended:
		cancel()
		return 0, nil, err
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		stop()
		return 0, nil, err
	}
	return ports[0].Local, stop, nil
}

// dialer speaks to the API server over websockets, or SPDY where the API server is
// older, as kubectl does.
func (c *cluster) dialer(pod string) (httpstream.Dialer, error) {
	url := c.core.RESTClient().Post().Resource("pods").Namespace(c.namespace).Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, err
	}
	older := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	websocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(url, c.config)
	if err != nil {
		return nil, err
	}
	return portforward.NewFallbackDialerForStreaming(websocket, older, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}
