package kubernetes

import (
	"github.com/go-logr/logr/funcr"
	"k8s.io/klog/v2"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// quietClient makes client-go log to the log of the pack instead of standard error.
func quietClient() {
	klog.SetLogger(funcr.New(func(prefix, args string) {
		observe.Log.Info("[SetRouter] client-go " + prefix + " " + args)
	}, funcr.Options{}))
}
