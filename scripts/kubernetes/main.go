// Command kubernetes starts a real kube-apiserver on loopback (package
// kubetest), and runs a command with KUBECONFIG set, or waits to be interrupted.
//
//	scripts/kubernetes/build-apiserver          # once
//	go run ./scripts/kubernetes [COMMAND ARGS]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/polaris-contrib/setrouter/internal/test/kubetest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "kubernetes: %v\n", err)
		os.Exit(1)
	}
}

func run(command []string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cluster, err := kubetest.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	if len(command) == 0 {
		fmt.Printf("kube-apiserver %s at %s\nexport KUBECONFIG=%s\n", kubetest.Version, cluster.URL, cluster.Kubeconfig)
		<-ctx.Done()
		return nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "KUBECONFIG="+cluster.Kubeconfig, "KUBE_URL="+cluster.URL, "KUBE_TOKEN="+kubetest.Token)
	return cmd.Run()
}
