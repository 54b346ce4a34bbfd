/** Photos are drawn anew on the device: smaller, turned upright, and without any EXIF. */
import { uuid7 } from "./uuid7";

export const MAX_PHOTO_SIDE_PX = 2048;
export const MAX_PHOTOS = 6;
const QUALITY = 0.85;

export class UnreadablePhotoError extends Error {}

export interface NewPhoto {
  id: string;
  blob: Blob;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

/** The size within a square of `limit` pixels, never larger than the original. */
export function fitWithin({ width, height }: Size, limit: number): Size {
  const scale = Math.min(1, limit / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

export async function encodePhoto(file: Blob): Promise<NewPhoto> {
  // The bytes are read at once: a File handle of the gallery may be gone when the draft is sent.
  const bytes = new Blob([await file.arrayBuffer()], { type: file.type });
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(bytes, { imageOrientation: "from-image" });
  } catch (error) {
    throw new UnreadablePhotoError("not an image this browser can read", { cause: error });
  }
  const size = fitWithin(bitmap, MAX_PHOTO_SIDE_PX);
  const canvas = Object.assign(document.createElement("canvas"), size);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size.width, size.height);
  context.drawImage(bitmap, 0, 0, size.width, size.height);
  bitmap.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!blob) throw new UnreadablePhotoError("the photo could not be encoded");
  return { id: uuid7(), blob, ...size };
}
