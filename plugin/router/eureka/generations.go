package eureka

// generations is a map that forgets what nobody asks for. It is not safe for concurrent
// use.
type generations[K comparable, V any] struct {
	young, old map[K]V
	weight     func(V) int
	total      int // weight of all
}

func newGenerations[K comparable, V any](weight func(V) int) generations[K, V] {
	return generations[K, V]{young: map[K]V{}, old: map[K]V{}, weight: weight}
}

// get returns what there is under a key, and keeps it for two more calls of age.
func (g *generations[K, V]) get(key K) (v V, ok bool) {
	if v, ok = g.young[key]; ok {
		return v, true
	}
	if v, ok = g.old[key]; ok {
		g.young[key] = v
		delete(g.old, key)
	}
	return v, ok
}

// put puts a value under a key that get does not find.
func (g *generations[K, V]) put(key K, v V) {
	g.young[key] = v
	g.total += g.weight(v)
}

// drop forgets a key.
func (g *generations[K, V]) drop(key K) {
	if v, ok := g.get(key); ok {
		delete(g.young, key)
		g.total -= g.weight(v)
	}
}

// age forgets what nobody has asked for since the call of age before.
func (g *generations[K, V]) age() {
	for _, v := range g.old {
		g.total -= g.weight(v)
	}
	g.young, g.old = map[K]V{}, g.young
}
