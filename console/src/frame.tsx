import {
  Alert,
  AppShell,
  Burger,
  Button,
  Container,
  Group,
  Menu,
  NavLink,
  Text,
  useComputedColorScheme,
  useDirection,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure, useLocalStorage } from '@mantine/hooks';
import { IconLanguage, IconLayoutSidebar, IconLogout, IconMoon, IconSun } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useMatches, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { api, Problem } from './api';
import { Page } from './parts/page';
import { Trouble, Waiting } from './parts/said';
import { useMay } from './rights';
import { entries } from './sections';
import { useLanguage } from './settings';
import { SignIn } from './signin';
import { Tour } from './tour/tour';
import { directionOf, languages } from './words';

/** What is around every page. Without a session it is the page to sign in. */
export function Frame() {
  const { language } = useLanguage();
  const { setDirection } = useDirection();
  const who = useQuery({ queryKey: ['who'], queryFn: api.who, staleTime: 60_000 });
  useEffect(() => {
    document.documentElement.lang = language;
    setDirection(directionOf(language));
  }, [language, setDirection]);

  if (who.error instanceof Problem && who.error.status === 401) return <SignIn />;
  if (who.error) return <Trouble error={who.error} />;
  if (!who.data) return <Waiting />;
  return <Shell name={who.data.name} />;
}

/** Navigation at the side, which becomes a drawer where the window is narrow. */
function Shell({ name }: { name: string }) {
  const { say } = useLanguage();
  const may = useMay();
  const [drawer, { toggle: toggleDrawer, close }] = useDisclosure(false);
  const [hidden, setHidden] = useLocalStorage({ key: 'clientele-navigation-hidden', defaultValue: false });
  const at = useRouterState({ select: (s) => s.location.pathname });
  useEffect(() => {
    if (at) close();
  }, [at, close]);
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 224, breakpoint: 'sm', collapsed: { mobile: !drawer, desktop: hidden } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <a className="skip" href="#page">
        {say('toContent')}
      </a>
      <AppShell.Header className="header">
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={drawer}
              onClick={toggleDrawer}
              hiddenFrom="sm"
              size="sm"
              aria-label={say('showNavigation')}
            />
            <Button
              variant="subtle"
              color="gray"
              px={8}
              visibleFrom="sm"
              aria-label={say('showNavigation')}
              aria-expanded={!hidden}
              onClick={() => setHidden(!hidden)}
            >
              <IconLayoutSidebar size={18} aria-hidden />
            </Button>
            <Text fw={700}>Clientele</Text>
          </Group>
          <Group gap={4} wrap="nowrap">
            <Chosen />
            <SignOut name={name} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className="nav" p="xs" component="nav" aria-label={say('navigation')}>
        {entries
          .filter((e) => !e.right || may(e.right))
          .map((e) => (
            <NavLink
              key={e.to}
              renderRoot={(props) => <Link to={e.to} {...props} />}
              label={say(e.word)}
              leftSection={<e.icon size={18} stroke={1.6} aria-hidden />}
              active={at === e.to || (e.to !== '/' && at.startsWith(`${e.to}/`))}
            />
          ))}
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1}>
        <Container size="xl" p={0}>
          <Tour name={name} />
          <Opened />
        </Container>
      </AppShell.Main>
    </AppShell>
  );
}

/** The page, or why the role may not open it. */
function Opened() {
  const { say } = useLanguage();
  const may = useMay();
  const refused = useMatches({ select: (all) => all.some(({ staticData: { right } }) => right && !may(right)) });
  if (!refused) return <Outlet />;
  return <Page title={say('mayNot')}>{say('mayNotHelp')}</Page>;
}

/** Language, and light or dark. */
export function Chosen() {
  const { choose, say } = useLanguage();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const Icon = dark ? IconSun : IconMoon;
  return (
    <>
      <Menu>
        <Menu.Target>
          <Button variant="subtle" color="gray" px="xs" aria-label={say('language')}>
            <IconLanguage size={18} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {Object.entries(languages).map(([code, name]) => (
            <Menu.Item key={code} lang={code} onClick={() => choose(code)}>
              {name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button
        variant="subtle"
        color="gray"
        px="xs"
        aria-label={say(dark ? 'light' : 'dark')}
        onClick={() => setColorScheme(dark ? 'light' : 'dark')}
      >
        <Icon size={18} aria-hidden />
      </Button>
    </>
  );
}

function SignOut({ name }: { name: string }) {
  const { say } = useLanguage();
  const queries = useQueryClient();
  const leave = useMutation({
    mutationFn: api.signOut,
    onSuccess: () => {
      queries.clear(); // what was seen is not left in the browser's memory
      window.location.assign('/console/');
    },
  });
  return (
    <>
      {leave.error && (
        <Alert color="red" p={4}>
          {leave.error.message}
        </Alert>
      )}
      <Button
        variant="subtle"
        color="gray"
        px="xs"
        title={name}
        aria-label={`${say('signOut')}: ${name}`}
        onClick={() => leave.mutate()}
      >
        <IconLogout size={18} aria-hidden />
      </Button>
    </>
  );
}
