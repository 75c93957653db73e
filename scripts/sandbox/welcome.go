package main

import (
	"fmt"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/internal/test/sandbox"
)

// try is a command that can be tried, and what it is for. Ones that belong together
// have their order.
type try struct{ command, purpose string }

// tries are the commands of each company, in an order in which all succeed. ID is the
// one that the command before printed.
var tries = map[string][]try{
	"shop": {
		{"setctl status", "is all well?"},
		{"setctl explain --caller 10.1.10.7 --service default/orders", "why this list?"},
		{"setctl callers --service default/orders", "who asks?"},
		{"setctl who --service default/payments", "who gets which instances?"},
		{`curl -s --interface 127.0.0.2 -H 'X-Forwarded-For: 10.1.10.7' -H 'Content-Type: application/json' -d '{"type": 1, "service": {"namespace": "default", "name": "orders"}}' http://$SANDBOX_HTTP/v1/Discover`, "what does anybody get over HTTP?"},
		{"setctl drill --each zone", "what if a city were lost, each in turn?"},
		{"sandbox off shenzhen", "a city goes dark: see the lists change in the other terminal"},
		{"setctl explain --caller 10.1.10.7 --service default/catalog", "along which road?"},
		{"sandbox on shenzhen", "and it is back"},
		{`setctl evacuate --zone south/guangzhou --for 1h --reason "power work" --file conf/routing/evacuate.yaml --dry-run`, "whom would an evacuation reach?"},
		{`setctl evacuate --zone south/guangzhou --for 1h --reason "power work" --file conf/routing/evacuate.yaml`, "for real"},
		{"setctl evacuate --end ID --file conf/routing/evacuate.yaml", "the end of it; ID is what the command before printed"},
		{"sed 's/mode: shadow/mode: enforce/' conf/routing/routing.yaml > candidate.yaml", "a rule changes: reports is enforced, on paper"},
		{"setctl check conf/mapping/*.yaml candidate.yaml", "is the file right?"},
		{"setctl plan --routing candidate.yaml", "what would change for whom?"},
		{"cp candidate.yaml conf/routing/routing.yaml", "in force, a second later"},
		{"sed -i 's/percent: 100/percent: 0/' conf/routing/routing.yaml", "rolled back: everybody has the stock answer of reports"},
	},
	"tutorial": {
		{"setctl status", "is all well?"},
		{"setctl explain --caller 10.8.1.1 --service prod/epp-domain", "why this list? No rule yet"},
		{"setctl callers --service prod/epp-domain", "who asks?"},
		{"kubectl apply -f 2-lanes/epp-domain-core.yaml -f 2-lanes/epp-domain-query.yaml", "not kubectl: a program that registers the pods of the page"},
		{"kubectl delete -f 2-lanes/epp-domain-core.yaml -f 2-lanes/epp-domain-query.yaml", "and ends them"},
	},
}

// pages are what to read in a company.
var pages = map[string]string{
	"shop":     "docs/operations.md, docs/rollout.md and docs/faq.md, each from its beginning",
	"tutorial": "docs/tutorial-set.md, from step 0 on",
}

// welcome says every address, and every command that can be tried.
func (r *runner) welcome(s *sandbox.Sandbox, lists []sandbox.List) {
	http, grpc, admin := "http://"+s.Server.HTTPAddr, s.Server.GRPCAddr, s.Server.AdminURL
	fmt.Fprintf(r.out, "\nThe company %s runs. Ctrl-C ends it, and leaves nothing.\n\n", r.company)
	columns := table.New(r.out)
	fmt.Fprintf(columns, "operators' page\t%s/\ttoken: %s\n", admin, r.token)
	fmt.Fprintf(columns, "setctl\t%s\ttoken: %s\n", admin, r.token)
	fmt.Fprintf(columns, "SDKs (gRPC)\t%s\n", grpc)
	fmt.Fprintf(columns, "discovery and API (HTTP)\t%s\tuser polaris, password polaris\n", http)
	fmt.Fprintf(columns, "metrics\t%s/metrics\n", http)
	fmt.Fprintf(columns, "files and logs\t%s\tconf, log\n", s.Server.Dir)
	columns.Flush()
	fmt.Fprintf(r.out, "\nIn another terminal, first\n\n  . %s\n\nand then, best in this order:\n\n", s.Env())
	for _, t := range tries[r.company] {
		fmt.Fprintf(r.out, "  # %s\n  %s\n", t.purpose, t.command)
	}
	fmt.Fprintf(r.out, "\nThe pages to follow: %s.\n\n", pages[r.company])
	fmt.Fprintln(columns, "CALLER\tADDRESS\tASKS FOR\tHAS")
	for _, list := range lists {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", list.Caller.Name, list.Caller.Addr, list.Service, list.Text)
	}
	columns.Flush()
	fmt.Fprintln(r.out, "\nFrom here on there is a line for each list that changes.")
}
