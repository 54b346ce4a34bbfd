/** Small pictures drawn at run time: hatches and marks that tell states apart without colour. */

const HATCH_PX = 24;
const MARK_PX = 36;

function draw(size: number, paint: (context: CanvasRenderingContext2D) => void): ImageData {
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const context = canvas.getContext("2d")!;
  paint(context);
  return context.getImageData(0, 0, size, size);
}

export function hatch(direction: "horizontal" | "diagonal", color: string): ImageData {
  return draw(HATCH_PX, (context) => {
    context.strokeStyle = color;
    context.lineWidth = 3;
    context.beginPath();
    if (direction === "horizontal") {
      context.moveTo(0, HATCH_PX / 2);
      context.lineTo(HATCH_PX, HATCH_PX / 2);
    } else {
      for (const shift of [-HATCH_PX, 0, HATCH_PX]) {
        context.moveTo(shift - 2, HATCH_PX + 2);
        context.lineTo(shift + HATCH_PX + 2, -2);
      }
    }
    context.stroke();
  });
}

function outlined(context: CanvasRenderingContext2D, color: string): void {
  context.fillStyle = color;
  context.strokeStyle = "#fff";
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.fill();
  context.stroke();
}

export function dot(color: string): ImageData {
  return draw(MARK_PX, (context) => {
    context.arc(MARK_PX / 2, MARK_PX / 2, 10, 0, 2 * Math.PI);
    outlined(context, color);
  });
}

export function triangle(color: string): ImageData {
  return draw(MARK_PX, (context) => {
    context.moveTo(MARK_PX / 2, 4);
    context.lineTo(MARK_PX - 3, MARK_PX - 6);
    context.lineTo(3, MARK_PX - 6);
    context.closePath();
    outlined(context, color);
  });
}

export function diamond(color: string): ImageData {
  return draw(MARK_PX, (context) => {
    context.moveTo(MARK_PX / 2, 4);
    context.lineTo(MARK_PX - 4, MARK_PX / 2);
    context.lineTo(MARK_PX / 2, MARK_PX - 4);
    context.lineTo(4, MARK_PX / 2);
    context.closePath();
    outlined(context, color);
  });
}

export function unknownMark(color: string): ImageData {
  return draw(MARK_PX, (context) => {
    context.rect(6, 6, MARK_PX - 12, MARK_PX - 12);
    outlined(context, color);
    context.fillStyle = "#fff";
    context.font = "bold 20px sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("?", MARK_PX / 2, MARK_PX / 2 + 1);
  });
}

export function warning(color: string): ImageData {
  return draw(MARK_PX, (context) => {
    context.moveTo(MARK_PX / 2, 3);
    context.lineTo(MARK_PX - 2, MARK_PX - 5);
    context.lineTo(2, MARK_PX - 5);
    context.closePath();
    outlined(context, color);
    context.fillStyle = "#fff";
    context.font = "bold 20px sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("!", MARK_PX / 2, MARK_PX / 2 + 4);
  });
}

export function lock(color: string): ImageData {
  return draw(MARK_PX, (context) => {
    context.strokeStyle = "#fff";
    context.lineWidth = 8;
    const shackle = (): void => {
      context.beginPath();
      context.arc(MARK_PX / 2, 15, 6, Math.PI, 0);
      context.stroke();
    };
    shackle();
    context.strokeStyle = color;
    context.lineWidth = 4;
    shackle();
    context.beginPath();
    context.rect(8, 15, 20, 15);
    outlined(context, color);
  });
}
