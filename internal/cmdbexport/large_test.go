package cmdbexport

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

const manyRows = 20000

// generated is an export of manyRows rows, and what must come of it. The generators know
// the outcome without reading: they decide of each row whether it counts.
type generated struct {
	text    string
	options Options
	want    map[string]string // by the match: the identity, as identityOf writes it
	leftOut int
}

func identityOf(region, zone, campus, set string) string {
	return region + "/" + zone + "/" + campus + " " + set
}

// writeCSV returns rows as the tools write them: a byte order mark, and line ends of
// Windows.
func writeCSV(rows [][]string) string {
	var b strings.Builder
	b.WriteString("\xef\xbb\xbf")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.WriteAll(rows)
	return b.String()
}

// netbox is NetBox's export of all data of its prefixes.
func netbox() generated {
	g := generated{
		options: Options{
			Match: "Prefix", Where: []string{"Status=Active", "VRF="},
			Names: []strict.File{{Name: "sites.csv", Data: []byte("Scope,region,zone,campus\nSZ-Nanshan,south,sz,nanshan\nSH-Pudong,east,sh,pudong\n")}},
		},
		want: map[string]string{},
	}
	rows := [][]string{strings.Split("ID,Prefix,Status,VRF,Tenant,VLAN,Scope,VLAN Group,Role,Is a Pool,Mark Utilized,Description,Tags,Scope Type", ",")}
	sites := []string{"SZ-Nanshan", "SH-Pudong", "Lab"}
	identities := []string{identityOf("south", "sz", "nanshan", ""), identityOf("east", "sh", "pudong", "")}
	for n := range manyRows {
		prefix := fmt.Sprintf("10.%d.%d.%d/28", n/4096, n/16%256, n%16*16)
		if n%7 == 0 {
			prefix = fmt.Sprintf("2001:db8:%x::/48", n)
		}
		status := []string{"Active", "Active", "Reserved", "Active", "Deprecated"}[n%5]
		vrf := []string{"", "", "", "mgmt"}[n%4]
		rows = append(rows, []string{
			fmt.Sprint(n + 1), prefix, status, vrf, "tenant-a", fmt.Sprintf("pods-%d (%d)", n, n%4096), sites[n%3], "", "Kubernetes pods", "False", "False",
			"the \"core\", lane", "k8s,prod", "dcim.site",
		})
		if status == "Active" && vrf == "" && n%3 < 2 {
			g.want[prefix] = identities[n%3]
		} else {
			g.leftOut++
		}
	}
	g.text = writeCSV(rows)
	return g
}

// blueking is BlueKing's export of hosts: three rows of names, several addresses in a
// cell, remarks of several lines, the same address in two cloud areas.
func blueking() generated {
	g := generated{
		options: Options{
			SkipRows: 2, Match: "bk_host_innerip", Where: []string{"bk_cloud_id=直连区域[0]"},
			Fields: fields("region", "=华南", "zone", "city", "campus", "idc", "set", "bk_set_name"),
		},
		want: map[string]string{},
	}
	rows := [][]string{
		strings.Split("业务拓扑,业务,集群,模块,内网IP(必填),外网IP,管控区域,主机名称,操作系统类型,所属城市,机房,机架,主要维护人,备注", ","),
		strings.Split("文本,文本,文本,文本,短字符,短字符,云区域,短字符,枚举,短字符,短字符,短字符,用户,长字符", ","),
		strings.Split("bk_topo,bk_biz_name,bk_set_name,bk_module_name,bk_host_innerip,bk_host_outerip,bk_cloud_id,bk_host_name,bk_os_type,city,idc,rack,operator,bk_comment", ","),
	}
	for n := range manyRows {
		address := func(second int) string { return fmt.Sprintf("10.%d.%d.%d", second+n/32768%16, n/128%256, n%128+1) }
		cell, area, set := address(1), "直连区域[0]", fmt.Sprintf("qb.novel.g%d", n%40)
		addresses := []string{cell}
		switch {
		case n%50 == 0:
			addresses = []string{cell, address(101), address(151)}
			cell = addresses[0] + "\n" + addresses[1] + "," + addresses[2]
		case n%8 == 3:
			area = "云区域B[3]"
		case n%101 == 7:
			set = "空闲机池"
		}
		rows = append(rows, []string{
			"小说业务/" + set + "/web", "小说业务", set, "web", cell, "", area, fmt.Sprintf("host-%d", n), "Linux", "深圳",
			fmt.Sprintf("深圳南山%c区", 'A'+n%5), "R01", "admin", "多行\n备注",
		})
		if area != "直连区域[0]" || set == "空闲机池" {
			g.leftOut++
			continue
		}
		for _, a := range addresses {
			g.want[a] = identityOf("华南", "深圳", fmt.Sprintf("深圳南山%c区", 'A'+n%5), set)
		}
	}
	g.text = writeCSV(rows)
	return g
}

// aws are the prefixes of AWS: each of them under several services.
func aws(n int) (prefix, region, service, group string) {
	k := n / 2
	prefix = fmt.Sprintf("52.%d.%d.0/24", k/256%64, k%256)
	region, group = "us-east-1", "us-east-1"
	if k%3 == 0 {
		group = "us-east-1-lax-1"
	}
	if k%100 == 1 {
		region, group = "GLOBAL", "GLOBAL"
	}
	return prefix, region, []string{"AMAZON", "EC2"}[n%2], group
}

func wantAWS(g *generated) {
	g.want = map[string]string{}
	for n := range manyRows {
		prefix, region, _, group := aws(n)
		if _, ok := g.want[prefix]; ok || region == "GLOBAL" {
			g.leftOut++ // the second service of a prefix, or no place
			continue
		}
		g.want[prefix] = identityOf(region, group, "", "")
	}
}

var awsFields = Options{Match: "ip_prefix", Where: []string{"region!=GLOBAL"}, Fields: fields("region", "region", "zone", "network_border_group")}

func awsJSON() generated {
	g := generated{options: awsFields}
	g.options.Rows = "prefixes"
	var list []map[string]string
	for n := range manyRows {
		prefix, region, service, group := aws(n)
		list = append(list, map[string]string{"ip_prefix": prefix, "region": region, "service": service, "network_border_group": group})
	}
	v6 := []map[string]string{{"ipv6_prefix": "2600:1f00::/40", "region": "us-east-1", "service": "EC2", "network_border_group": "us-east-1"}}
	text, _ := json.MarshalIndent(map[string]any{"syncToken": "1", "createDate": "2026-11-19-00-00-00", "prefixes": list, "ipv6_prefixes": v6}, "", "  ")
	g.text = string(text)
	wantAWS(&g)
	return g
}

func awsCSV() generated {
	g := generated{options: awsFields}
	rows := [][]string{{"ip_prefix", "region", "service", "network_border_group"}}
	for n := range manyRows {
		prefix, region, service, group := aws(n)
		rows = append(rows, []string{prefix, region, service, group})
	}
	g.text = strings.TrimPrefix(writeCSV(rows), "\xef\xbb\xbf")
	wantAWS(&g)
	return g
}

// phpipam is phpIPAM's export of subnets, saved by Excel as CSV: folders among subnets.
func phpipam() generated {
	g := generated{
		options: Options{Match: "Subnet", Where: []string{"Section=Production"}, Fields: fields("region", "=south", "zone", "=sz-{idc}")},
		want:    map[string]string{},
	}
	rows := [][]string{strings.Split("Section,Subnet,Description,VLAN,VLAN Domain,VRF,Master Subnet,Requests,Host check,Discover,idc", ",")}
	for n := range manyRows {
		section, subnet := "Production", fmt.Sprintf("10.%d.%d.0/24", 20+n/256, n%256)
		switch {
		case n%90 == 0:
			subnet = fmt.Sprintf("Rack row %d (folder)", n)
		case n%11 == 0:
			section = "Lab"
		}
		idc := fmt.Sprintf("idc%02d", n%10)
		rows = append(rows, []string{section, subnet, "a subnet", "NA", "", "", "10.0.0.0/8", "0", "0", "0", idc})
		if section == "Lab" || strings.Contains(subnet, "folder") {
			g.leftOut++
		} else {
			g.want[subnet] = identityOf("south", "sz-"+idc, "", "")
		}
	}
	g.text = writeCSV(rows)
	return g
}

// Exports of 20,000 rows, in the form that the tools have.
func TestLargeExports(t *testing.T) {
	for name, make := range map[string]func() generated{
		"NetBox": netbox, "BlueKing": blueking, "AWS JSON": awsJSON, "AWS CSV": awsCSV, "phpIPAM": phpipam,
	} {
		t.Run(name, func(t *testing.T) {
			g := make()
			result, err := Import(strict.File{Name: "e", Data: []byte(g.text)}, g.options)
			if err != nil {
				t.Fatal(err)
			}
			left := 0
			for _, group := range result.LeftOut {
				left += group.Count
			}
			if result.Rows != manyRows || result.Entries != len(g.want) || left != g.leftOut {
				t.Errorf("%d rows, %d entries, %d left out, want %d, %d, %d", result.Rows, result.Entries, left, manyRows, len(g.want), g.leftOut)
			}
			got, table := map[string]string{}, load(t, result.CSV)
			for match := range maps.Keys(g.want) {
				prefixes, err := location.ParseMatch(match)
				if err != nil {
					t.Fatal(err)
				}
				found, _ := table.Lookup(prefixes[0].Addr())
				f := found.Facts()
				got[match] = identityOf(f.Region, f.Zone, f.Campus, string(f.SET))
			}
			if diff := cmp.Diff(g.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff[:min(len(diff), 2000)])
			}
		})
	}
}
