import {
  Alert,
  AppShell,
  Box,
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
import { IconLanguage, IconLogout, IconMoon, IconSun, IconUsers } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { useEffect } from 'react';
import { api, Problem } from './api';
import { Trouble, Waiting } from './said';
import { useLanguage } from './settings';
import { SignIn } from './signin';
import { directionOf, languages } from './words';

/** What is around every page. Without a session it is the page to sign in. */
export function Frame() {
  const { language, say } = useLanguage();
  const { setDirection } = useDirection();
  const who = useQuery({ queryKey: ['who'], queryFn: api.who, staleTime: 60_000 });
  useEffect(() => {
    document.documentElement.lang = language;
    setDirection(directionOf(language));
  }, [language, setDirection]);

  if (who.error instanceof Problem && who.error.status === 401) return <SignIn />;
  if (who.error) return <Trouble error={who.error} />;
  if (!who.data) return <Waiting />;
  return (
    <AppShell header={{ height: 52 }} padding="md">
      <a className="skip" href="#page">
        {say('toContent')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="lg" wrap="nowrap">
            <Text fw={700} visibleFrom="xs">
              Clientele
            </Text>
            <Box component="nav">
              <NavLink
                renderRoot={(props) => <Link to="/customers" search={{ q: '' }} {...props} />}
                label={say('customers')}
                leftSection={<IconUsers size={18} aria-hidden />}
                active
                variant="subtle"
              />
            </Box>
          </Group>
          <Group gap={4} wrap="nowrap">
            <Chosen />
            <SignOut name={who.data.name} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Main id="page" tabIndex={-1}>
        <Container size="lg" p={0}>
          <Outlet />
        </Container>
      </AppShell.Main>
    </AppShell>
  );
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
