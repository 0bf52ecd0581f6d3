import { Link } from '@tanstack/react-router';
import { useMay } from '../rights';
import { useCalled } from './called';

/** A person by the id of the profile: the name, which leads to the page of what is known. Who may see nobody sees a dash. */
export function Person({ id }: { id: string }) {
  const seen = useMay()('people') && id !== '';
  const name = useCalled(id, seen);
  if (!seen) return <>–</>;
  return (
    <Link className="link" to="/customers/$namespace/$value" params={{ namespace: 'id', value: id }}>
      <bdi>{name || id}</bdi>
    </Link>
  );
}

/** Some people, below each other. */
export function People({ ids }: { ids: string[] }) {
  return (
    <ul className="people">
      {ids.map((id) => (
        <li key={id}>
          <Person id={id} />
        </li>
      ))}
    </ul>
  );
}
