import { useLocalStorage } from '@mantine/hooks';

const hidden = 'hidden';

/** How far somebody is in the tour: the steps done, or that it is hidden. Kept by name, in this browser. */
export function useTour(name: string) {
  const [kept, keep] = useLocalStorage({
    key: `clientele-tour-${name}`,
    defaultValue: '',
    getInitialValueInEffect: false,
  });
  return {
    hidden: kept === hidden,
    done: kept.split(' ').filter(Boolean),
    hide: () => keep(hidden),
    show: () => keep(''),
    mark: (done: string[]) => keep(done.join(' ')),
  };
}
