// Where the phone is, with everything that tells how far that can be believed.

const OPTIONS = { enableHighAccuracy: true, timeout: 12_000, maximumAge: 60_000 };

async function permission() {
  try {
    return (await navigator.permissions.query({ name: "geolocation" })).state;
  } catch {
    return "unknown";
  }
}

// latitude, longitude, accuracy (m), fix_age (s), permission; without a position only the permission.
export async function measure() {
  const position = await new Promise((resolve) => {
    if (!navigator.geolocation) {
      resolve(null);
      return;
    }
    navigator.geolocation.getCurrentPosition(resolve, () => resolve(null), OPTIONS);
  });
  const found = { permission: await permission() };
  if (position) {
    const { latitude, longitude, accuracy } = position.coords;
    found.latitude = latitude;
    found.longitude = longitude;
    found.accuracy = Math.round(accuracy * 10) / 10;
    found.fix_age = Math.max(0, Math.round((Date.now() - position.timestamp) / 1000));
  }
  return found;
}
