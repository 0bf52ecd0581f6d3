package door

// Phases are how many connections have sent no request yet, are between two, send a body, and are answered.
func Phases(d *Door) (n [4]int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p := range d.lists {
		n[p] = d.lists[p].Len()
	}
	return n
}
