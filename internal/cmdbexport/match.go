package cmdbexport

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

var (
	dash       = regexp.MustCompile(`\s+[-–~]\s+`)
	separators = regexp.MustCompile(`[\s,;|，；、]+`)
)

// splitMatch returns the addresses, prefixes and ranges of a cell.
func splitMatch(text string) (matches []string) {
	for _, part := range separators.Split(dash.ReplaceAllString(text, "-"), -1) {
		if part != "" {
			matches = append(matches, part)
		}
	}
	return matches
}

// newEntry returns the entry for a match, without what it says. A mask of four numbers
// is written as a length. Of hosts the mask is left out.
func newEntry(text string, hosts bool) (entry, error) {
	if address, mask, ok := strings.Cut(text, "/"); ok && mask == "" {
		text = address // of ={Address}/{Mask} without a mask
	} else if ok {
		if bits, ok := maskBits(mask); ok {
			text = address + "/" + strconv.Itoa(bits)
		}
		if _, err := netip.ParsePrefix(text); err == nil && hosts {
			text = address
		}
	}
	prefixes, err := location.ParseMatch(text)
	if err != nil {
		return entry{}, err
	}
	var key strings.Builder
	for _, prefix := range prefixes {
		key.WriteString(prefix.String())
		key.WriteByte(' ')
	}
	return entry{match: text, key: key.String()}, nil
}

// maskBits returns the length of a mask as 255.255.255.0.
func maskBits(mask string) (bits int, ok bool) {
	addr, err := netip.ParseAddr(mask)
	if err != nil || !addr.Is4() {
		return 0, false
	}
	bits, size := net.IPMask(addr.AsSlice()).Size()
	return bits, size == 32
}
