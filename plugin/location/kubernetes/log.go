package kubernetes

import (
	"github.com/go-logr/logr/funcr"
	"k8s.io/klog/v2"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// quietClient sends what client-go logs to the pack's log: by itself it writes
// to standard error.
func quietClient() {
	klog.SetLogger(funcr.New(func(prefix, args string) {
		observe.Log.Info("[SetRouter] client-go " + prefix + " " + args)
	}, funcr.Options{}))
}
