package value

import "math"

// What follows is the mean negative log-likelihood of a sample with its gradient by the logarithms of parameters.
// What depends on the whole number x alone is tabulated once for each evaluation.

// counts holds lgamma(r+x) - lgamma(r) and its derivative for x from 0.
func counts(r float64, most int) (log, slope []float64) {
	log, slope = make([]float64, most+1), make([]float64, most+1)
	for x := 1; x <= most; x++ {
		log[x] = log[x-1] + math.Log(r+float64(x-1))
		slope[x] = slope[x-1] + 1/(r+float64(x-1))
	}
	return log, slope
}

func (s *sample) nbd() objective {
	return func(at, gradient []float64) float64 {
		r, alpha := math.Exp(at[0]), math.Exp(at[1])
		log, slope := counts(r, s.most)
		la := math.Log(alpha)
		sum := total(len(s.groups), func(from, to int) (p [5]float64) {
			for _, g := range s.groups[from:to] {
				rx, lt := r+float64(g.x), math.Log(alpha+g.t)
				p[0] -= g.w * (log[g.x] + r*la - rx*lt)
				p[1] -= g.w * (slope[g.x] + la - lt)
				p[2] -= g.w * (r/alpha - rx/(alpha+g.t))
			}
			return p
		})
		gradient[0], gradient[1] = sum[1]*r/s.total, sum[2]*alpha/s.total
		return sum[0] / s.total
	}
}

// ratio holds ln of B(a+da, b+x+db)/B(a, b) and its derivatives by a and b for x from 0.
func ratio(a, b, da, db float64, most int) (log, byA, byB []float64) {
	log, byA, byB = make([]float64, most+1), make([]float64, most+1), make([]float64, most+1)
	base, psiA, psiB, psiAB := logBeta(a, b), digamma(a), digamma(b), digamma(a+b)
	topA := digamma(a + da)
	for x := range log {
		n := b + float64(x) + db
		if n <= 0 {
			log[x] = math.Inf(-1)
			continue
		}
		whole := digamma(a + da + n)
		log[x] = logBeta(a+da, n) - base
		byA[x] = topA - whole - psiA + psiAB
		byB[x] = digamma(n) - whole - psiB + psiAB
	}
	return log, byA, byB
}

func (s *sample) beta(extra float64) objective {
	return func(at, gradient []float64) float64 {
		r, alpha, a, b := math.Exp(at[0]), math.Exp(at[1]), math.Exp(at[2]), math.Exp(at[3])
		log, slope := counts(r, s.most)
		stays, staysA, staysB := ratio(a, b, 0, extra, s.most)
		goes, goesA, goesB := ratio(a, b, 1, extra-1, s.most)
		if extra == 0 {
			goes[0], goesA[0], goesB[0] = math.Inf(-1), 0, 0 // who ordered once cannot have gone
		}
		la := math.Log(alpha)
		sum := total(len(s.groups), func(from, to int) (p [5]float64) {
			for _, g := range s.groups[from:to] {
				rx, lt := r+float64(g.x), math.Log(alpha+g.t)
				l, w2, lx := stays[g.x]-rx*lt, 0.0, 0.0
				if !math.IsInf(goes[g.x], -1) {
					lx = math.Log(alpha + g.tx)
					l2 := goes[g.x] - rx*lx
					l = logSum(l, l2)
					w2 = math.Exp(l2 - l)
				}
				w1 := 1 - w2
				p[0] -= g.w * (log[g.x] + r*la + l)
				p[1] -= g.w * (slope[g.x] + la - w1*lt - w2*lx)
				p[2] -= g.w * (r/alpha - w1*rx/(alpha+g.t) - w2*rx/(alpha+g.tx))
				p[3] -= g.w * (w1*staysA[g.x] + w2*goesA[g.x])
				p[4] -= g.w * (w1*staysB[g.x] + w2*goesB[g.x])
			}
			return p
		})
		for i, v := range []float64{r, alpha, a, b} {
			gradient[i] = sum[i+1] * v / s.total
		}
		return sum[0] / s.total
	}
}

func (s *sample) pareto() objective {
	return func(at, gradient []float64) float64 {
		m := ParetoNBD{math.Exp(at[0]), math.Exp(at[1]), math.Exp(at[2]), math.Exp(at[3])}
		log, slope := counts(m.R, s.most)
		la, lb, ls := math.Log(m.Alpha), math.Log(m.Beta), math.Log(m.S)
		sum := total(len(s.groups), func(from, to int) (p [5]float64) {
			for _, g := range s.groups[from:to] {
				rx := m.R + float64(g.x)
				lt, lbt := math.Log(m.Alpha+g.t), math.Log(m.Beta+g.t)
				l1 := -rx*lt - m.S*lbt
				area, mean := m.lost(rx, g.tx, g.t)
				l := logSum(l1, ls+area)
				w1 := math.Exp(l1 - l)
				w2 := 1 - w1
				p[0] -= g.w * (log[g.x] + m.R*la + m.S*lb + l)
				p[1] -= g.w * (slope[g.x] + la - w1*lt - w2*mean.logAlpha)
				p[2] -= g.w * (m.R/m.Alpha - w1*rx/(m.Alpha+g.t) - w2*rx*mean.inverseAlpha)
				p[3] -= g.w * (lb - w1*lbt + w2*(1/m.S-mean.logBeta))
				p[4] -= g.w * (m.S/m.Beta - w1*m.S/(m.Beta+g.t) - w2*(m.S+1)*mean.inverseBeta)
			}
			return p
		})
		for i, v := range []float64{m.R, m.Alpha, m.S, m.Beta} {
			gradient[i] = sum[i+1] * v / s.total
		}
		return sum[0] / s.total
	}
}
