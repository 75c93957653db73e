package kubernetes

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// keys are the labels and annotations that the source reads from pods and nodes.
type keys struct {
	setLabel, setAnnotation string
	labels                  []string // of pods, that become labels of the identity
	places                  serverconfig.Places
}

func keysOf(c serverconfig.Cluster, k *serverconfig.Kubernetes) keys {
	return keys{k.SETLabel, k.SETAnnotation, k.Labels, k.PlacesOf(c)}
}

// strip is the transform of the informers. It returns a new pod or node with only
// what the source reads, so that the rest can go. It does not change an object that
// is stripped already.
func (k keys) strip(obj any) (any, error) {
	switch o := obj.(type) {
	case *corev1.Pod:
		return &corev1.Pod{
			ObjectMeta: strippedMeta(&o.ObjectMeta, pick(o.Labels, append([]string{k.setLabel}, k.labels...)), pick(o.Annotations, []string{k.setAnnotation})),
			Spec:       corev1.PodSpec{NodeName: o.Spec.NodeName, HostNetwork: o.Spec.HostNetwork},
			Status:     corev1.PodStatus{Phase: o.Status.Phase, PodIP: o.Status.PodIP, PodIPs: o.Status.PodIPs, StartTime: o.Status.StartTime},
		}, nil
	case *corev1.Node:
		labels := pick(o.Labels, []string{k.places.RegionLabel, k.places.ZoneLabel, k.places.CampusLabel})
		return &corev1.Node{ObjectMeta: strippedMeta(&o.ObjectMeta, labels, nil), Status: corev1.NodeStatus{Addresses: o.Status.Addresses}}, nil
	}
	return obj, nil
}

func strippedMeta(o *metav1.ObjectMeta, labels, annotations map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: o.Namespace, Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion,
		CreationTimestamp: o.CreationTimestamp, Labels: labels, Annotations: annotations,
	}
}

// pick returns the entries of a map under the given keys; nil if there are none.
func pick(m map[string]string, keys []string) (out map[string]string) {
	for _, key := range keys {
		if value, ok := m[key]; ok && key != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[key] = value
		}
	}
	return out
}

// pod reads a pod; ok is false for a pod without an address. It is also false for a
// pod that has ended: another pod may have the address by now.
func (k keys) pod(p *corev1.Pod) (out Pod, ok bool) {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return out, false
	}
	out = Pod{
		Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), Created: p.CreationTimestamp.Unix(),
		Node: p.Spec.NodeName, HostNetwork: p.Spec.HostNetwork, Labels: pick(p.Labels, k.labels),
	}
	if p.Status.StartTime != nil { // a pod gets its address when it starts, perhaps long after its creation
		out.Created = p.Status.StartTime.Unix()
	}
	for _, ip := range p.Status.PodIPs {
		out.Addrs = appendAddr(out.Addrs, ip.IP)
	}
	if len(p.Status.PodIPs) == 0 {
		out.Addrs = appendAddr(out.Addrs, p.Status.PodIP)
	}
	if out.SET = p.Labels[k.setLabel]; out.SET != "" {
		out.SETKey = "label " + k.setLabel
	} else if out.SET = p.Annotations[k.setAnnotation]; out.SET != "" {
		out.SETKey = "annotation " + k.setAnnotation
	}
	return out, len(out.Addrs) > 0
}

// node reads a node. It drops a zone without its region.
func (k keys) node(n *corev1.Node) Node {
	out := Node{Name: n.Name, Created: n.CreationTimestamp.Unix()}
	out.Location, out.Unnamed = placeOf(n.Labels, k.places)
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP || a.Type == corev1.NodeExternalIP {
			out.Addrs = appendAddr(out.Addrs, a.Address)
		}
	}
	return out
}

// appendAddr returns list with the address in text. It returns list unchanged if
// the address is there already, or if text is not an address.
func appendAddr(list []netip.Addr, text string) []netip.Addr {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return list
	}
	addr = location.Normalize(addr)
	for _, known := range list {
		if known == addr {
			return list
		}
	}
	return append(list, addr)
}

// object returns the reference to the pod, for an Event.
func (p *Pod) object() corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: types.UID(p.UID)}
}
