package router

import (
	"context"
	"fmt"
	"testing"

	api "github.com/polarismesh/polaris/common/api/v1"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	apitraffic "github.com/polarismesh/specification/source/go/api/v1/traffic_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// limitedServer has a rate limit of one service.
type limitedServer struct {
	*stockServer
	asked []string
}

func (s *limitedServer) GetRateLimitWithCache(_ context.Context, message *apiservice.Service) *apiservice.DiscoverResponse {
	s.asked = append(s.asked, message.GetNamespace().GetValue()+"/"+message.GetName().GetValue())
	if message.GetToken().GetValue() == "wrong" {
		return api.NewDiscoverResponse(apimodel.Code_NotAllowedAccess)
	}
	resp := api.NewDiscoverRateLimitResponse(apimodel.Code_ExecuteSuccess, message)
	if message.GetName().GetValue() == "s" {
		resp.RateLimit = &apitraffic.RateLimit{Rules: []*apitraffic.Rule{{Service: message.Name, Namespace: message.Namespace}}}
	}
	return resp
}

// A lane address has the rules of its target, under its own name.
func TestLaneAddressHasTheRulesOfItsTarget(t *testing.T) {
	s, stock := newTestServer(t)
	limited := &limitedServer{stockServer: stock}
	p := &proxy{DiscoverServer: limited, router: s}
	for _, tt := range []struct{ namespace, name, token, want string }{
		{"default", "s", "", "asks default/s: 200000, default/s has 1 rules for default/s"},
		{"default", "lane", "", "asks default/s: 200000, default/lane has 1 rules for default/lane"},
		{"", "lane", "", "asks default/s: 200000, /lane has 1 rules for /lane"},
		{"default", "other", "", "asks default/other: 200000, default/other has 0 rules for"},
		{"default", "lane", "wrong", "asks default/s: 401001, / has 0 rules for"},
	} {
		limited.asked = nil
		message := &apiservice.Service{Name: wrapperspb.String(tt.name), Token: wrapperspb.String(tt.token)}
		if tt.namespace != "" {
			message.Namespace = wrapperspb.String(tt.namespace)
		}
		resp := p.GetRateLimitWithCache(t.Context(), message)
		rules := resp.GetRateLimit().GetRules()
		got := fmt.Sprintf("asks %s: %d, %s/%s has %d rules for", limited.asked[0], resp.GetCode().GetValue(), resp.GetService().GetNamespace().GetValue(), resp.GetService().GetName().GetValue(), len(rules))
		for _, rule := range rules {
			got += fmt.Sprintf(" %s/%s", rule.GetNamespace().GetValue(), rule.GetService().GetValue())
		}
		if got != tt.want {
			t.Errorf("%s/%s: %s\nwant %s", tt.namespace, tt.name, got, tt.want)
		}
		if message.GetName().GetValue() != tt.name {
			t.Errorf("the client's message was written: %v", message)
		}
	}
}
