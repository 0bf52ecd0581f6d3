import { LinkTabs } from '../parts/tabs';
import { useLanguage } from '../settings';
import { words } from './words';

/** The pages of the section. */
export function Tabs() {
  const { say } = useLanguage(words);
  return (
    <LinkTabs
      label={say('explore')}
      tabs={[
        { to: '/explore', label: say('questions') },
        { to: '/explore/dashboards', label: say('dashboards') },
        { to: '/explore/goals', label: say('goals') },
        { to: '/explore/sql', label: say('sql') },
        { to: '/explore/board', label: say('board') },
      ]}
    />
  );
}
