package polaristest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/golang/protobuf/proto"
	"github.com/polarismesh/polaris/common/api/l5"
)

// l5Head is the length of a header of L5: two bytes of mark and four of length.
const l5Head = 6

// AskL5 asks the L5 listener at an address for the instances of a service, as the agent of
// a host does. The service is its SID, module:command.
func AskL5(ctx context.Context, addr string, agent netip.Addr, sid string) ([]netip.AddrPort, error) {
	var mod, cmd int32
	if _, err := fmt.Sscanf(sid, "%d:%d", &mod, &cmd); err != nil {
		return nil, err
	}
	host := agent.As4()
	ip := int32(binary.LittleEndian.Uint32(host[:]))
	reply, err := callL5(ctx, addr, &l5.Cl5Pkg{
		Seqno: proto.Int32(1), Cmd: proto.Int32(int32(l5.CL5_CMD_CL5_SYNC_BY_AGENT_CMD)), Ip: proto.Int32(ip),
		SyncByAgentCmd: &l5.Cl5SyncByAgentCmd{
			AgentIp: proto.Int32(ip), SyncFlow: proto.Int32(1),
			OptList: &l5.Cl5OptList{Opt: []*l5.Cl5OptObj{{ModId: proto.Int32(mod), CmdId: proto.Int32(cmd)}}},
		},
	})
	if err != nil {
		return nil, err
	}
	out := []netip.AddrPort{}
	for _, s := range reply.GetSyncByAgentAckCmd().GetServList().GetServ() {
		var host [4]byte
		binary.LittleEndian.PutUint32(host[:], uint32(s.GetIp()))
		out = append(out, netip.AddrPortFrom(netip.AddrFrom4(host), uint16(s.GetPort())))
	}
	return out, nil
}

func callL5(ctx context.Context, addr string, message *l5.Cl5Pkg) (*l5.Cl5Pkg, error) {
	body, err := proto.Marshal(message)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	packet := binary.NativeEndian.AppendUint16(nil, 1)
	packet = binary.NativeEndian.AppendUint32(packet, uint32(l5Head+len(body)))
	if _, err := conn.Write(append(packet, body...)); err != nil {
		return nil, err
	}
	header := make([]byte, l5Head)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil, err
	}
	answer := make([]byte, max(binary.NativeEndian.Uint32(header[2:]), l5Head)-l5Head)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, err
	}
	reply := &l5.Cl5Pkg{}
	return reply, proto.Unmarshal(answer, reply)
}
