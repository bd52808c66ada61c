// Addresses in the built page are relative, so that it works below any path of any file server.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    outDir: "../squidlib/teaching/page/built",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2022",
    chunkSizeWarningLimit: 1000,
  },
});
