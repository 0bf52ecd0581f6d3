package ratelimit

// Keys is how many keys are remembered.
func (l *Limiter) Keys() int { return len(l.now) + len(l.old) }
