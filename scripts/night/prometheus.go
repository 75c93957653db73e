package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// prometheus is a running Prometheus with the alert rules.
type prometheus struct {
	addr string
	cmd  *exec.Cmd
	dir  string
}

// prometheusProgram is what startPrometheus runs.
const prometheusProgram = "prometheus"

// waits are the lines of alert rules by which an alert fires later, and longer.
var waits = regexp.MustCompile(`(?m)^ *(for|keep_firing_for): .*\n`)

// startPrometheus starts a Prometheus that scrapes the nodes.
func (t *town) startPrometheus() (*prometheus, error) {
	dir, err := os.MkdirTemp("", "setrouter-prometheus-")
	if err != nil {
		return nil, err
	}
	p := &prometheus{addr: fmt.Sprintf("127.0.0.1:%d", polaristest.FreePort()), dir: dir}
	rules, err := os.ReadFile(t.plan.alerts)
	if err != nil {
		return p, err
	}
	if t.plan.short {
		rules = waits.ReplaceAll(rules, nil)
	}
	var targets []string
	for _, n := range t.nodes {
		targets = append(targets, fmt.Sprintf("%q", n.server.HTTPAddr))
	}
	config := fmt.Sprintf(`global: {scrape_interval: %[1]s, evaluation_interval: %[1]s}
rule_files: [alerts.yaml]
scrape_configs:
  - {job_name: polaris, static_configs: [{targets: [%[2]s]}]}
`, t.plan.scrape(), strings.Join(targets, ", "))
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "alerts.yaml"), rules, 0o600), os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600)); err != nil {
		return p, err
	}
	p.cmd = exec.Command(prometheusProgram, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+p.addr, "--log.level=warn")
	p.cmd.SysProcAttr = polaristest.DieWithParent()
	if err := p.cmd.Start(); err != nil {
		return p, err
	}
	for end := time.Now().Add(polaristest.Patience); ; time.Sleep(50 * time.Millisecond) {
		if _, err = p.firing(); err == nil || time.Now().After(end) {
			return p, err
		}
	}
}

// firing returns the names of the alerts that fire, sorted, each once.
func (p *prometheus) firing() ([]string, error) {
	var reply struct {
		Data struct {
			Alerts []struct {
				State  string
				Labels map[string]string
			}
		}
	}
	if err := getJSON("http://"+p.addr+"/api/v1/alerts", &reply); err != nil {
		return nil, err
	}
	names := []string{}
	for _, a := range reply.Data.Alerts {
		if a.State == "firing" {
			names = append(names, a.Labels["alertname"])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (p *prometheus) close() error {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
	return os.RemoveAll(p.dir)
}

// getJSON gets a URL with the token of the set-admin listeners.
func getJSON(url string, into any) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
