package location

import (
	"math/bits"
	"net/netip"
)

// amount is a number of addresses, from 0 to all of IPv6, which are one too many for
// 128 bits.
type amount struct{ all, high, low uint64 }

// addressesOf returns how many addresses a prefix has.
func addressesOf(p netip.Prefix) (a amount) {
	switch n := p.Addr().BitLen() - p.Bits(); {
	case n < 64:
		a.low = 1 << n
	case n < 128:
		a.high = 1 << (n - 64)
	default:
		a.all = 1
	}
	return a
}

func (a amount) plus(b amount) (sum amount) {
	var carry uint64
	sum.low, carry = bits.Add64(a.low, b.low, 0)
	sum.high, carry = bits.Add64(a.high, b.high, carry)
	sum.all = a.all + b.all + carry
	return sum
}

func (a amount) minus(b amount) (rest amount) {
	var borrow uint64
	rest.low, borrow = bits.Sub64(a.low, b.low, 0)
	rest.high, borrow = bits.Sub64(a.high, b.high, borrow)
	rest.all = a.all - b.all - borrow
	return rest
}

func (a amount) float() float64 {
	const word = 1 << 64
	return (float64(a.all)*word+float64(a.high))*word + float64(a.low)
}
