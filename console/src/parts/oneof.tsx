import { useId } from 'react';

interface OneOfProps<V extends string> {
  /** What is chosen, for those who cannot see it. */
  label: string;
  data: { value: V; label: string }[];
  value: V;
  set: (value: V) => void;
}

/** One of a few that stand beside each other; nothing is measured to draw it. */
export function OneOf<V extends string>({ label, data, value, set }: OneOfProps<V>) {
  const name = useId();
  return (
    <div className="one-of" role="radiogroup" aria-label={label}>
      {data.map((d) => (
        <label key={d.value} data-chosen={d.value === value || undefined}>
          <input type="radio" name={name} checked={d.value === value} onChange={() => set(d.value)} />
          {d.label}
        </label>
      ))}
    </div>
  );
}
