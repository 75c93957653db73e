package admin

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

func TestShot(t *testing.T) {
	newBrowser(t)
	for _, lang := range []string{"en", "zh"} {
		url := serve(t, withScript(withAnswers(newHandler(pageBackend{t: t, broken: []string{"x:1:1: bad"}}, ""), darkCompany()), os.Getenv("SCRIPT")))
		cmd := exec.CommandContext(context.Background(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+t.TempDir(), "--enable-logging=stderr", "--virtual-time-budget=4000", "--window-size="+os.Getenv("SIZE"), "--screenshot=/tmp/shot-"+lang+".png", url+"?lang="+lang)
		out, err := cmd.CombinedOutput()
		t.Logf("%v %s", err, out)
	}
}
